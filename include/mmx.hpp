/* libmmx for C++17 and later: the native client for the MiniMax file API, header only, over mmx.h. What is no interface is in
 * mmx_detail.hpp.
 *
 *     mmx::Client client; // the key is in the environment variable MINIMAX_API_KEY
 *     const mmx::File file = client.upload("voice.mp3", mmx::purpose::voice_clone);
 *     client.remove(file.file_id, file.purpose);
 *
 * Link with -lmmx. mmx.h documents what each call does; this header says what is different in C++.
 *
 * Errors. Each call has two forms: remove() throws a class for each status, derived from mmx::Error; try_remove() returns a Result
 * and throws no mmx::Error. With -fno-exceptions there are only the try_ forms and create().
 *
 * Callbacks run on the calling thread during the call. If one throws, the call ends, and the exception comes out of it, also of a
 * try_ form; if a logger throws, once the call has ended by itself. With -fno-exceptions a callback must not throw.
 *
 * Text is UTF-8; text with a NUL byte in it is refused as invalid UTF-8 is. "Thread-safe" is everything const. */
#ifndef MMX_HPP
#define MMX_HPP

#include "mmx.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What differs with and without exceptions has different names, so that both kinds of units can be linked into a program.
#if defined(__cpp_exceptions)
#define MMX_HPP_EXCEPTIONS 1
#define MMX_HPP_NAMESPACE with_exceptions
#else
#define MMX_HPP_EXCEPTIONS 0
#define MMX_HPP_NAMESPACE without_exceptions
#endif

namespace mmx {
inline namespace MMX_HPP_NAMESPACE {

/// Purposes of files that this version knows; others can be used, too.
namespace purpose {
inline constexpr char voice_clone[] = MMX_PURPOSE_VOICE_CLONE, prompt_audio[] = MMX_PURPOSE_PROMPT_AUDIO;
inline constexpr char t2a_async_input[] = MMX_PURPOSE_T2A_ASYNC_INPUT, t2a_async[] = MMX_PURPOSE_T2A_ASYNC;
inline constexpr char video_generation[] = MMX_PURPOSE_VIDEO_GENERATION, video_understanding[] = MMX_PURPOSE_VIDEO_UNDERSTANDING;
inline constexpr char video_generation_input[] = MMX_PURPOSE_VIDEO_GENERATION_INPUT;
} // namespace purpose

using Milliseconds = std::chrono::milliseconds;
using Time = std::chrono::system_clock::time_point;

/// The timeout that never expires. One of 0 or less is refused.
inline constexpr Milliseconds no_timeout = Milliseconds::max();

struct Summary;

/// Why a call failed: what a Result holds, and what an Error is derived from. Cheap to copy, and outlives the client.
class Failure {
  public:
    Failure() noexcept = default;
    /// Takes ownership of the error.
    explicit Failure(mmx_error *error, std::shared_ptr<const Summary> summary = nullptr)
        : error_(error, mmx_error_free), summary_(std::move(summary)) {}
    mmx_status status() const noexcept { return mmx_error_status(get()); }                     ///< MMX_OK: no failure.
    std::string_view status_name() const noexcept { return mmx_status_name(status()); }        ///< For example "MMX_ERROR_TIMEOUT".
    std::string_view call() const noexcept { return mmx_error_call(get()); }                   ///< "delete_file", of remove().
    std::string_view message() const noexcept { return mmx_error_message(get()); }             ///< One line for people.
    std::string_view parameter() const noexcept { return mmx_error_parameter(get()); }         ///< The argument at fault, or "".
    std::int32_t api_code() const noexcept { return mmx_error_api_code(get()); }               ///< The service's code, or 0.
    std::string_view api_message() const noexcept { return mmx_error_api_message(get()); }     ///< The service's message, or "".
    std::int32_t http_status() const noexcept { return mmx_error_http_status(get()); }         ///< Of the response; 0 = none came.
    std::string_view trace_id() const noexcept { return mmx_error_trace_id(get()); }           ///< The service's id of the request.
    std::int32_t attempts() const noexcept { return mmx_error_attempts(get()); }               ///< Requests sent, or tried to send.
    bool is_ambiguous() const noexcept { return mmx_error_is_ambiguous(get()); }               ///< It may have been carried out.
    std::int32_t error_number() const noexcept { return mmx_error_errno(get()); }              ///< Of a file or the machine; 0 = none.
    /// How long the service asks to wait, if it says.
    std::optional<Milliseconds> retry_after() const noexcept {
        const std::int64_t wait = mmx_error_retry_after_ms(get());
        return wait < 0 ? std::nullopt : std::optional<Milliseconds>(wait);
    }
    /// All of it as JSON (docs/json.md).
    std::string json() const {
        const std::unique_ptr<char, decltype(&mmx_string_free)> json(mmx_error_json(get()), mmx_string_free);
        return json ? json.get() : "";
    }
    /// What a call of many files came to until it failed; NULL for other calls, and if it failed before it began.
    const Summary *summary() const noexcept { return summary_.get(); }
    /// For mmx.h; NULL: no failure.
    const mmx_error *get() const noexcept { return error_.get(); }
  private:
    std::shared_ptr<const mmx_error> error_;
    std::shared_ptr<const Summary> summary_;
};

/// The base class of what calls throw, with all that is known about the failure.
class Error : public std::exception, public Failure {
  public:
    explicit Error(Failure failure) noexcept : Failure(std::move(failure)) {}
    const char *what() const noexcept override { return mmx_error_message(get()); }
};

// The classes of errors: each with its base class and its status.
#define MMX_HPP_ERRORS(X) \
    X(InvalidArgumentError, Error, MMX_ERROR_INVALID_ARGUMENT)    /* An argument or a setting is invalid; nothing was sent. */ \
    X(FileError, Error, MMX_ERROR_FILE)                           /* A local file or a stream can't be read or written. */ \
    X(ConnectError, Error, MMX_ERROR_CONNECT)                     /* Name lookup, TCP, TLS or proxy failed; nothing was sent. */ \
    X(NetworkError, Error, MMX_ERROR_NETWORK)                     /* The connection broke after the request was begun. */ \
    X(TimeoutError, Error, MMX_ERROR_TIMEOUT)                     /* A timeout of the client or the call expired. */ \
    X(CancelledError, Error, MMX_ERROR_CANCELLED)                 /* Cancelled by a token or a callback. */ \
    X(ProtocolError, Error, MMX_ERROR_PROTOCOL)                   /* The response is not one of this API. */ \
    X(HttpError, Error, MMX_ERROR_HTTP)                           /* An HTTP error without an API code. */ \
    X(PartialError, Error, MMX_ERROR_PARTIAL)                     /* Some files were not deleted; summary() says which. */ \
    X(GuardError, Error, MMX_ERROR_GUARD)                         /* A guard stopped a prune; summary() has the plan. */ \
    X(InternalError, Error, MMX_ERROR_INTERNAL)                   /* A bug in the library, or no file descriptor left. */ \
    X(ApiError, Error, MMX_ERROR_API)                             /* The service refused; the base class of those below. */ \
    X(AuthenticationError, ApiError, MMX_ERROR_AUTHENTICATION)    /* The key was refused. */ \
    X(RateLimitError, ApiError, MMX_ERROR_RATE_LIMITED)           /* Too many requests. */ \
    X(QuotaError, ApiError, MMX_ERROR_QUOTA)                      /* No balance or quota. */ \
    X(InvalidRequestError, ApiError, MMX_ERROR_INVALID_REQUEST)   /* The service considers the request invalid. */ \
    X(ContentRejectedError, ApiError, MMX_ERROR_CONTENT_REJECTED) /* The content was rejected. */ \
    X(NotFoundError, ApiError, MMX_ERROR_NOT_FOUND)               /* The service doesn't know the file. */ \
    X(PermissionError, ApiError, MMX_ERROR_PERMISSION)            /* The account may not do this. */ \
    X(ServerError, ApiError, MMX_ERROR_SERVER)                    /* The service failed. */ \
    X(ServerTimeoutError, ApiError, MMX_ERROR_SERVER_TIMEOUT)     /* The service timed out. */
#define MMX_HPP_CLASS(name, base, status) struct name : base { using base::base; };
MMX_HPP_ERRORS(MMX_HPP_CLASS)

/// Throws the class of the failure's status; with -fno-exceptions, prints the message and aborts.
[[noreturn]] inline void raise(const Failure &failure) {
#if MMX_HPP_EXCEPTIONS
#define MMX_HPP_THROW(name, base, its_status) if (failure.status() == its_status) throw name(failure);
    MMX_HPP_ERRORS(MMX_HPP_THROW)
    throw Error(failure); // of a later version of the library
#else
    std::fprintf(stderr, "%s\n", mmx_error_message(failure.get()));
    std::abort();
#endif
}
#undef MMX_HPP_ERRORS
#undef MMX_HPP_CLASS
#undef MMX_HPP_THROW

/// A value, or the failure that there is instead.
template <class T> class [[nodiscard]] Result {
  public:
    Result(T value) : value_(std::move(value)) {}
    Result(Failure failure) noexcept : failure_(std::move(failure)) {}
    /// Whether there is a value.
    explicit operator bool() const noexcept { return value_.has_value(); }
    /// The value; raises the failure if there is none.
    const T &value() const & { return value_ ? *value_ : (raise(failure_), *value_); }
    T value() && { return value_ ? *std::move(value_) : (raise(failure_), *std::move(value_)); }
    const T &operator*() const & { return value(); }
    T operator*() && { return std::move(*this).value(); }
    const T *operator->() const { return &value(); }
    /// Its status is MMX_OK if there is a value.
    const Failure &error() const noexcept { return failure_; }
  private:
    std::optional<T> value_;
    Failure failure_;
};

/// Success, or the failure that there is instead.
template <> class [[nodiscard]] Result<void> {
  public:
    Result(Failure failure = {}) noexcept : failure_(std::move(failure)) {}
    explicit operator bool() const noexcept { return failure_.status() == MMX_OK; }
    void value() const { return *this ? void() : raise(failure_); }
    const Failure &error() const noexcept { return failure_; }
  private:
    Failure failure_;
};

/// Cancels calls: put it into their options and trigger it from any thread or a signal handler. Copies are the same token.
class CancelToken {
  public:
#if MMX_HPP_EXCEPTIONS
    /// Throws InternalError if the process is out of file descriptors.
    CancelToken() : CancelToken(create().value()) {}
#endif
    static Result<CancelToken> create() {
        mmx_cancel *cancel = nullptr;
        mmx_error *error = nullptr;
        if (mmx_cancel_new(&cancel, &error) != MMX_OK) return Failure(error);
        return CancelToken(std::shared_ptr<mmx_cancel>(cancel, mmx_cancel_free));
    }
    void trigger() const noexcept { mmx_cancel_trigger(get()); }                              ///< Async-signal-safe.
    [[nodiscard]] bool is_triggered() const noexcept { return mmx_cancel_is_triggered(get()); } ///< Async-signal-safe.
    void reset() const noexcept { mmx_cancel_reset(get()); }                                  ///< Only while no call uses it.
    mmx_cancel *get() const noexcept { return cancel_.get(); }                                ///< For mmx.h.
  private:
    explicit CancelToken(std::shared_ptr<mmx_cancel> cancel) noexcept : cancel_(std::move(cancel)) {}
    std::shared_ptr<mmx_cancel> cancel_;
};

/// Progress callback: bytes, or files of a call of many; total is -1 if it isn't known. false cancels the call.
using Progress = std::function<bool(std::int64_t done, std::int64_t total)>;

/// Facts about a call, for support and statistics.
struct CallInfo {
    std::int32_t http_status = 0, attempts = 0; ///< Of the last response, 0 = none came; requests sent, or tried to send.
    Milliseconds elapsed = {};
    std::string trace_id = {};                ///< The service's id of the request, from the last response.
    std::string evidence = {};                ///< remove(): how it is known, "answer" or "retrieve"; "" of other calls.
};

/// Options of one call; what isn't set is as the client is configured.
struct Call {
    std::optional<Milliseconds> timeout = {}; ///< Of the whole call.
    std::int32_t max_attempts = 0;            ///< Most requests, the first one included; 1 = no retry.
    std::optional<CancelToken> cancel = {};
    Progress progress = {};                   ///< Of uploads and downloads.
    bool missing_ok = false;                  ///< remove(): a file that retrieve doesn't know is a success.
    bool reconcile = false;                   ///< upload(): look the file up if the response was lost.
    bool via_download_url = false;            ///< download(): through the link of retrieve().
    std::string *json = nullptr;              ///< Receives the out_json of mmx.h if there is one.
    CallInfo *info = nullptr;                 ///< Receives facts about the call, whatever it comes to.
    bool reuse = false;                       ///< upload() with a ledger: the file of the same bytes and purpose, if it is still there.
    bool temporary = false;                   ///< upload() with a ledger: sweep() deletes the file once this process is gone.
    std::chrono::seconds expires_after = {};  ///< upload() with a ledger: sweep() deletes the file then; 0 = never.
    std::function<bool()> interrupted = {};   ///< Asked after a signal and every 100 ms of waiting: true cancels the call.
};

/// The metadata of a file.
struct File {
    std::int64_t file_id = 0;
    std::int64_t bytes = 0;                   ///< 0 for generated files, whose size the service doesn't report.
    std::optional<Time> created_at = {};      ///< If it is known.
    std::string filename = {};                ///< "" = unknown. The service chooses it: check it before you use it as a path.
    std::string purpose = {};                 ///< "" = unknown.
    std::string download_url = {};            ///< "" = none. Anyone who has it can fetch the file.
};

/// A download that is complete.
struct Download {
    std::int64_t file_id = 0, bytes = 0;
    std::optional<std::int64_t> length = {};  ///< As the response announced it; without it nothing checked the bytes.
    std::int64_t resumed = 0;                 ///< How often it was resumed.
    std::string content_type = {}, via = {}, trace_id = {};
};

/// One file to delete.
struct FileRef {
    std::int64_t file_id = 0;
    std::string purpose = {};                 ///< "" = it is found out: by retrieve(), or for more than 20 files by one list().
};

/// What became of one file of a call of many.
struct Outcome {
    std::size_t index = 0;                    ///< Position in the input, or in the plan.
    std::int64_t file_id = 0;
    std::string purpose = {};
    std::int32_t outcome = 0;                 ///< MMX_OUTCOME_...
    std::int32_t attempts = 0;                ///< Delete requests sent for the file.
    std::string evidence = {}, trace_id = {}; ///< Evidence: "answer", "retrieve", "list" or "".
    Time settled_at = {};                     ///< When it became known.
    std::optional<Failure> error = {};        ///< Why it failed or is unknown.
};

/// The files that a filter selects.
struct Plan {
    std::int64_t listed = 0, matched = 0, kept = 0; ///< Files in the list; that match; that match and are kept all the same.
    std::int64_t bytes_at_least = 0, sizes_unknown = 0; ///< Of the files to delete: sum of the known sizes, and the other files.
    std::vector<File> files = {};             ///< Files to delete.
    std::string json = {};                    ///< All of it (docs/json.md), as `mmx-files prune --apply` reads it.
};

/// An upload of which sweep() can't tell which file it is, or whether it may be deleted.
struct UnsettledUpload {
    std::string filename = {}, purpose = {};  ///< As they were given; "" = the purpose is unknown.
    std::optional<std::int64_t> bytes = {};   ///< If it was known before the upload.
    Time began_at = {};                       ///< By this machine's clock.
    std::filesystem::path path = {};          ///< Of take(): where the file should be on this disk.
    std::vector<std::int64_t> file_ids = {};  ///< The files that fit.
    std::string why = {};                     ///< Why none of them is chosen.
};

/// What a call of many files came to.
struct Summary {
    std::size_t total = 0, deleted = 0, already_absent = 0, failed = 0, unknown = 0, not_attempted = 0, kept = 0;
    std::vector<Outcome> outcomes = {};       ///< Empty with BulkCall::on_outcome.
    std::optional<Plan> plan = {};            ///< Of prune().
    std::optional<std::vector<std::int64_t>> still_listed = {}; ///< With BulkCall::verify.
    std::size_t not_stored = 0, waiting = 0;  ///< Of sweep(): uploads that stored nothing, and that aren't listed yet.
    std::vector<UnsettledUpload> unsettled = {}; ///< Of sweep(): what a person has to look at.
};

/// Options of a call of many files; what isn't set is as the client is configured.
struct BulkCall {
    std::optional<Milliseconds> timeout = {}, call_timeout = {}; ///< Of the whole run, none if it isn't set; and for each file.
    std::int32_t max_attempts = 0;            ///< Most delete requests for each file.
    std::int32_t concurrency = 0;             ///< Most files in flight, 1 to 1,000; 0 = 16.
    bool verify = false;                      ///< List at the end which files still exist.
    std::optional<CancelToken> cancel = {};
    Progress progress = {};
    std::function<bool(const Outcome &)> on_outcome = {}; ///< Called once for each file; false stops the run.
    std::string *json = nullptr;              ///< Receives the out_json of mmx.h, whatever the call comes to.
};

/// Options of a sweep.
struct SweepCall {
    std::optional<Milliseconds> timeout = {}; ///< Of the whole run, none if it isn't set.
    bool dry_run = false;                     ///< Write and delete nothing.
    std::optional<CancelToken> cancel = {};
    std::function<bool(const Outcome &)> on_outcome = {}; ///< As in BulkCall, as is json.
    std::string *json = nullptr;
};

/// Selects files: all conditions hold. It needs one beside the purpose, or `all`.
struct Filter {
    std::string purpose = {};                 ///< "" = every purpose.
    std::chrono::seconds older_than = {};     ///< Minimum age; 0 = no condition.
    std::int64_t min_bytes = 0;
    std::optional<std::string> name_glob = {}, keep_glob = {}; ///< Patterns with * ? [a-z] for names: to match, and to keep.
    std::vector<std::int64_t> keep_ids = {};
    std::int64_t max_files = 0;               ///< Guard: if more would be deleted, none is; 0 = no guard.
    std::int32_t max_percent = 0;             ///< The same, in per cent of all listed files.
    bool all = false;
};

enum class LogLevel : std::int32_t { error = MMX_LOG_ERROR, warn = MMX_LOG_WARN, info = MMX_LOG_INFO, debug = MMX_LOG_DEBUG };

/// Settings of a client, those of mmx_config_set_...; what isn't set is that of the environment or the default.
struct Config {
    std::string api_key = {}, base_url = {}, user_agent = {}, proxy = {};
    std::filesystem::path api_key_file = {};  ///< Contains the key, which may rotate. An api_key takes precedence over it.
    std::filesystem::path ca_file = {};
    std::filesystem::path ledger = {};        ///< A file that knows every upload until its file is deleted; see sweep().
    std::vector<std::pair<std::string, std::string>> headers = {}; ///< Of one's own, for the API alone: names and values.
    Config &header(std::string name, std::string value) { return headers.emplace_back(std::move(name), std::move(value)), *this; }
    bool allow_insecure = false;
    std::optional<Milliseconds> timeout = {}, connect_timeout = {}, idle_timeout = {};
    std::int32_t max_attempts = 0, requests_per_minute = 0;
    std::function<void(LogLevel, std::string_view json)> logger = {}; ///< Owned by the client. Several threads may call it at once.
    LogLevel log_level = LogLevel::info;
};

/// Bytes in memory, borrowed.
struct Bytes {
    constexpr Bytes(const void *first, std::size_t count) noexcept : data(first), size(count) {}
    constexpr explicit Bytes(std::string_view text) noexcept : data(text.data()), size(text.size()) {}
    const void *data;
    std::size_t size;
};

} // namespace MMX_HPP_NAMESPACE
} // namespace mmx
#include "mmx_detail.hpp"
namespace mmx {
inline namespace MMX_HPP_NAMESPACE {

/// A file that is deleted with this object; made by Client::temporary(). Move-only. It shares the client, which may go before it.
///
/// The destructor deletes the file, also while an exception is on its way, and never throws; the delete has a timeout of its own, 30
/// seconds. What it can't delete is told to the client's logger and, with a ledger, deleted by a sweep once the process is gone. In a
/// process that was forked meanwhile it deletes nothing.
class TemporaryFile {
  public:
    TemporaryFile(TemporaryFile &&) noexcept = default;
    /// Deletes the file that this object had.
    TemporaryFile &operator=(TemporaryFile &&other) noexcept {
        if (this != &other) end(), handle_ = std::move(other.handle_), file_ = std::move(other.file_), owner_ = other.owner_;
        return *this;
    }
    ~TemporaryFile() { end(); }
    const File &file() const noexcept { return file_; }
#if MMX_HPP_EXCEPTIONS
    void remove() { try_remove().value(); }
    File release() { return try_release().value(); }
#endif
    /// Deletes it now; a file that is already gone is no failure. If it fails, the destructor tries again.
    Result<void> try_remove() {
        if (!handle_) return Failure();
        detail::Frame frame;
        const mmx_status status = detail::remove(*handle_, file_, frame);
        if (status == MMX_OK) handle_.reset();
        frame.rethrow();
        return frame.failure();
    }
    /// Keeps the file: this object doesn't delete it, and neither does a sweep.
    Result<File> try_release() {
        if (const Failure failure = detail::keep(handle_.get(), file_.file_id, false); failure.status() != MMX_OK) return failure;
        handle_.reset();
        return file_;
    }
  private:
    friend class Client;
    TemporaryFile(std::shared_ptr<const detail::Handle> handle, File file) noexcept : handle_(std::move(handle)), file_(std::move(file)) {}
    void end() const noexcept {
        if (detail::Frame frame; handle_ && owner_ == detail::process_id()) detail::remove(*handle_, file_, frame);
    }
    std::shared_ptr<const detail::Handle> handle_; // NULL: nothing to delete
    File file_;
    std::int64_t owner_ = detail::process_id();
};

/// A client: makes the calls. Move-only. One that was moved from refuses every call.
class Client {
  public:
#if MMX_HPP_EXCEPTIONS
    explicit Client(const Config &config = {}) : Client(create(config).value()) {}
    /// Uploads a local file, all bytes, or a stream to its end, under a name.
    File upload(const std::filesystem::path &path, std::string_view purpose, const Call &call = {}) const { return try_upload(path, purpose, call).value(); }
    File upload(Bytes bytes, std::string_view filename, std::string_view purpose, const Call &call = {}) const { return try_upload(bytes, filename, purpose, call).value(); }
    File upload(std::istream &in, std::string_view filename, std::string_view purpose, const Call &call = {}) const { return try_upload(in, filename, purpose, call).value(); }
    TemporaryFile temporary(const std::filesystem::path &path, std::string_view purpose, const Call &call = {}) const { return try_temporary(path, purpose, call).value(); }
    TemporaryFile temporary(Bytes bytes, std::string_view filename, std::string_view purpose, const Call &call = {}) const { return try_temporary(bytes, filename, purpose, call).value(); }
    TemporaryFile temporary(std::istream &in, std::string_view filename, std::string_view purpose, const Call &call = {}) const { return try_temporary(in, filename, purpose, call).value(); }
    Download download(std::int64_t file_id, const std::filesystem::path &path, const Call &call = {}) const { return try_download(file_id, path, call).value(); }
    Download download(std::int64_t file_id, std::ostream &out, const Call &call = {}) const { return try_download(file_id, out, call).value(); }
    std::string download_string(std::int64_t file_id, const Call &call = {}) const { return try_download_string(file_id, call).value(); }
    Download take(std::int64_t file_id, const std::filesystem::path &path, std::string_view purpose = {}, const Call &call = {}) const { return try_take(file_id, path, purpose, call).value(); }
    std::vector<File> list(std::string_view purpose = {}, const Call &call = {}) const { return try_list(purpose, call).value(); }
    File retrieve(std::int64_t file_id, const Call &call = {}) const { return try_retrieve(file_id, call).value(); }
    File wait(std::int64_t file_id, const Call &call = {}) const { return try_wait(file_id, call).value(); }
    void remove(std::int64_t file_id, std::string_view purpose = {}, const Call &call = {}) const { try_remove(file_id, purpose, call).value(); }
    template <class Files> Summary remove_all(const Files &files, const BulkCall &call = {}) const { return try_remove_all(files, call).value(); }
    Summary remove_all(std::initializer_list<FileRef> files, const BulkCall &call = {}) const { return try_remove_all(files, call).value(); }
    Summary prune(const Filter &filter, const BulkCall &call = {}) const { return try_prune(filter, call).value(); }
    Plan plan(const Filter &filter, const BulkCall &call = {}) const { return try_plan(filter, call).value(); }
    Summary sweep(const SweepCall &call = {}) const { return try_sweep(call).value(); }
    void keep(std::int64_t file_id) const { try_keep(file_id).value(); }
#endif

    static Result<Client> create(const Config &config = {}) {
        Result<std::shared_ptr<const detail::Handle>> made = detail::create(config);
        if (!made) return made.error();
        return Client(*std::move(made));
    }
    Client(Client &&) noexcept = default;
    Client &operator=(Client &&) noexcept = default;
    Result<File> try_upload(const std::filesystem::path &path, std::string_view purpose, const Call &call = {}) const { return detail::upload<File>(get(), 0, call, detail::file, path, purpose); }
    Result<File> try_upload(Bytes bytes, std::string_view filename, std::string_view purpose, const Call &call = {}) const { return detail::upload<File>(get(), 0, call, detail::file, bytes, filename, purpose); }
    /// From where the stream is to its end; retried if it can go back.
    Result<File> try_upload(std::istream &in, std::string_view filename, std::string_view purpose, const Call &call = {}) const { return detail::upload<File>(get(), 0, call, detail::file, in, filename, purpose); }
    /// Uploads as upload() does; the file is deleted with the object that is returned. With a ledger the call is `temporary`.
    Result<TemporaryFile> try_temporary(const std::filesystem::path &path, std::string_view purpose, const Call &call = {}) const { return upload_temporary(call, path, purpose); }
    Result<TemporaryFile> try_temporary(Bytes bytes, std::string_view filename, std::string_view purpose, const Call &call = {}) const { return upload_temporary(call, bytes, filename, purpose); }
    Result<TemporaryFile> try_temporary(std::istream &in, std::string_view filename, std::string_view purpose, const Call &call = {}) const { return upload_temporary(call, in, filename, purpose); }
    Result<Download> try_download(std::int64_t file_id, const std::filesystem::path &path, const Call &call = {}) const { return detail::run<Download>(get(), call, detail::download, mmx_download_file, file_id, detail::Text(path.native())); }
    /// Flushes the stream. Not started again from the beginning: a stream can't take back what it was given.
    Result<Download> try_download(std::int64_t file_id, std::ostream &out, const Call &call = {}) const {
        const mmx_sink sink = detail::sink(out);
        return detail::run<Download>(get(), call, detail::download, mmx_download_stream, file_id, &sink);
    }
    Result<std::string> try_download_string(std::int64_t file_id, const Call &call = {}) const { return detail::download_string(get(), file_id, call); }
    /// Downloads, and deletes once the file is whole on this disk. If a step fails, nothing is deleted; the message says what is where.
    Result<Download> try_take(std::int64_t file_id, const std::filesystem::path &path, std::string_view purpose = {}, const Call &call = {}) const {
        return detail::run<Download>(get(), call, detail::download, mmx_take_file, file_id, detail::Text(purpose).or_null(), detail::Text(path.native()));
    }
    /// Of a purpose; "" = of every purpose.
    Result<std::vector<File>> try_list(std::string_view purpose = {}, const Call &call = {}) const { return detail::run<std::vector<File>>(get(), call, detail::files, mmx_list_files, detail::Text(purpose).or_null()); }
    Result<File> try_retrieve(std::int64_t file_id, const Call &call = {}) const { return detail::run<File>(get(), call, detail::file, mmx_retrieve_file, file_id); }
    /// Until retrieve() knows the file: for ids that are handed out before it is there. The timeout bounds the whole wait.
    Result<File> try_wait(std::int64_t file_id, const Call &call = {}) const { return detail::run<File>(get(), call, detail::file, mmx_wait_file, file_id); }
    /// Without a purpose it is found out by a retrieve() before.
    Result<void> try_remove(std::int64_t file_id, std::string_view purpose = {}, const Call &call = {}) const { return detail::run<void>(get(), call, [](const char *) { return Failure(); }, mmx_delete_file, file_id, detail::Text(purpose).or_null()); }
    /// Of a container of FileRef, File, or anything else with a file_id and a purpose.
    template <class Files> Result<Summary> try_remove_all(const Files &files, const BulkCall &call = {}) const {
        return detail::remove_all(get(), files, call);
    }
    Result<Summary> try_prune(const Filter &filter, const BulkCall &call = {}) const { return detail::prune(get(), filter, call, false); }
    /// What prune() would delete. Deletes nothing.
    Result<Plan> try_plan(const Filter &filter, const BulkCall &call = {}) const {
        Result<Summary> summary = detail::prune(get(), filter, call, true);
        if (!summary) return summary.error();
        return std::move(*summary).plan.value_or(Plan());
    }
    /// Settles what processes that are gone left in the client's ledger, and deletes what is due. PartialError: some files were not
    /// deleted, or some uploads are unsettled.
    Result<Summary> try_sweep(const SweepCall &call = {}) const { return detail::bulk(get(), call, call.dry_run, mmx_sweep); }
    /// Strikes a file out of the client's ledger: no sweep deletes it. Sends no request.
    Result<void> try_keep(std::int64_t file_id) const { return detail::keep(handle_.get(), file_id, true); }
    /// For mmx.h, in whose calls neither callbacks nor the logger may throw. NULL if it was moved from.
    const mmx_client *get() const noexcept { return handle_ ? handle_->client : nullptr; }
  private:
    explicit Client(std::shared_ptr<const detail::Handle> handle) noexcept : handle_(std::move(handle)) {}
    template <class... A> Result<TemporaryFile> upload_temporary(const Call &call, A &...what) const {
        const std::uint32_t flags = handle_ && handle_->has_ledger ? MMX_CALL_TEMPORARY : 0;
        const auto make = [&](const char *json) { return TemporaryFile(handle_, detail::file(json)); };
        return detail::upload<TemporaryFile>(get(), flags, call, make, what...);
    }
    std::shared_ptr<const detail::Handle> handle_;
};

} // namespace MMX_HPP_NAMESPACE
} // namespace mmx

#endif
