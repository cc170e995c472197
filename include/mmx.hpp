/* libmmx for C++17 and later: the native client for the MiniMax file API, header only, over mmx.h.
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

#include <algorithm>
#include <charconv>
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
#include <limits>
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
    std::int32_t error_number() const noexcept { return mmx_error_errno(get()); }              ///< errno of a local file, or 0.
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

struct InvalidArgumentError : Error { using Error::Error; };          ///< An argument or a setting is invalid; nothing was sent.
struct FileError : Error { using Error::Error; };                     ///< A local file or a stream can't be read or written.
struct ConnectError : Error { using Error::Error; };                  ///< Name lookup, TCP, TLS or proxy failed; nothing was sent.
struct NetworkError : Error { using Error::Error; };                  ///< The connection broke after the request was begun.
struct TimeoutError : Error { using Error::Error; };                  ///< A timeout of the client or the call expired.
struct CancelledError : Error { using Error::Error; };                ///< Cancelled by a token or a callback.
struct ProtocolError : Error { using Error::Error; };                 ///< The response is not one of this API.
struct HttpError : Error { using Error::Error; };                     ///< An HTTP error without an API code.
struct PartialError : Error { using Error::Error; };                  ///< Some files were not deleted; summary() says which.
struct GuardError : Error { using Error::Error; };                    ///< A guard stopped a prune; summary() has the plan.
struct InternalError : Error { using Error::Error; };                 ///< A bug in the library, or no file descriptor left.
struct ApiError : Error { using Error::Error; };                      ///< The service refused; the base class of those below.
struct AuthenticationError : ApiError { using ApiError::ApiError; };  ///< The key was refused.
struct RateLimitError : ApiError { using ApiError::ApiError; };       ///< Too many requests.
struct QuotaError : ApiError { using ApiError::ApiError; };           ///< No balance or quota.
struct InvalidRequestError : ApiError { using ApiError::ApiError; };  ///< The service considers the request invalid.
struct ContentRejectedError : ApiError { using ApiError::ApiError; }; ///< The content was rejected.
struct NotFoundError : ApiError { using ApiError::ApiError; };        ///< The service doesn't know the file.
struct PermissionError : ApiError { using ApiError::ApiError; };      ///< The account may not do this.
struct ServerError : ApiError { using ApiError::ApiError; };          ///< The service failed.
struct ServerTimeoutError : ApiError { using ApiError::ApiError; };   ///< The service timed out.

/// Throws the class of the failure's status; with -fno-exceptions, prints the message and aborts.
[[noreturn]] inline void raise(const Failure &failure) {
#if MMX_HPP_EXCEPTIONS
    switch (failure.status()) {
    case MMX_ERROR_INVALID_ARGUMENT: throw InvalidArgumentError(failure);
    case MMX_ERROR_FILE: throw FileError(failure);
    case MMX_ERROR_CONNECT: throw ConnectError(failure);
    case MMX_ERROR_NETWORK: throw NetworkError(failure);
    case MMX_ERROR_TIMEOUT: throw TimeoutError(failure);
    case MMX_ERROR_CANCELLED: throw CancelledError(failure);
    case MMX_ERROR_PROTOCOL: throw ProtocolError(failure);
    case MMX_ERROR_HTTP: throw HttpError(failure);
    case MMX_ERROR_PARTIAL: throw PartialError(failure);
    case MMX_ERROR_GUARD: throw GuardError(failure);
    case MMX_ERROR_INTERNAL: throw InternalError(failure);
    case MMX_ERROR_API: throw ApiError(failure);
    case MMX_ERROR_AUTHENTICATION: throw AuthenticationError(failure);
    case MMX_ERROR_RATE_LIMITED: throw RateLimitError(failure);
    case MMX_ERROR_QUOTA: throw QuotaError(failure);
    case MMX_ERROR_INVALID_REQUEST: throw InvalidRequestError(failure);
    case MMX_ERROR_CONTENT_REJECTED: throw ContentRejectedError(failure);
    case MMX_ERROR_NOT_FOUND: throw NotFoundError(failure);
    case MMX_ERROR_PERMISSION: throw PermissionError(failure);
    case MMX_ERROR_SERVER: throw ServerError(failure);
    case MMX_ERROR_SERVER_TIMEOUT: throw ServerTimeoutError(failure);
    default: throw Error(failure); // of a later version of the library
    }
#else
    std::fprintf(stderr, "%s\n", mmx_error_message(failure.get()));
    std::abort();
#endif
}

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

/// Options of one call; what isn't set is as the client is configured.
struct Call {
    std::optional<Milliseconds> timeout = {}; ///< Of the whole call.
    std::int32_t max_attempts = 0;            ///< Most requests, the first one included; 1 = no retry.
    std::optional<CancelToken> cancel = {};
    Progress progress = {};                   ///< Of uploads and downloads.
    bool missing_ok = false;                  ///< remove(): a file that retrieve doesn't know is a success.
    bool reconcile = false;                   ///< upload(): look the file up if the response was lost.
    bool via_download_url = false;            ///< download(): through the link of retrieve().
    std::string *json = nullptr;              ///< Receives the out_json of mmx.h if the call succeeds.
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
    std::string purpose = {};
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

/// What a call of many files came to.
struct Summary {
    std::size_t total = 0, deleted = 0, already_absent = 0, failed = 0, unknown = 0, not_attempted = 0, kept = 0;
    std::vector<Outcome> outcomes = {};       ///< Empty with BulkCall::on_outcome.
    std::optional<Plan> plan = {};            ///< Of prune().
    std::optional<std::vector<std::int64_t>> still_listed = {}; ///< With BulkCall::verify.
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
    std::filesystem::path ca_file = {};
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

namespace detail {

/// Text for C: text that C would take for a shorter one becomes text that the library refuses.
class Text {
  public:
    Text(std::string_view text) : text_(text.find('\0') == text.npos ? text : "\xff") {}
    operator const char *() const noexcept { return text_.c_str(); }
    const char *or_null() const noexcept { return text_.empty() ? nullptr : text_.c_str(); }

  private:
    std::string text_;
};

/// In C 0 is the default.
constexpr std::int64_t limit(const std::optional<Milliseconds> &timeout) noexcept {
    if (!timeout || *timeout == no_timeout) return timeout ? -1 : 0;
    return timeout->count() > 0 ? timeout->count() : std::numeric_limits<std::int64_t>::min();
}

/// A call on this thread: keeps what its callbacks throw, and frees what the library hands over.
class Frame {
  public:
    Frame() noexcept : outer_(std::exchange(current(), this)) {}
    Frame(const Frame &) = delete;
    Frame &operator=(const Frame &) = delete;
    ~Frame() { current() = outer_, mmx_string_free(json), mmx_error_free(error); }
    /// Runs a callback of the innermost call; `otherwise` is for the library if it throws, or another one has before.
    template <class R, class F> static R contain(R otherwise, F &&callback) noexcept {
#if MMX_HPP_EXCEPTIONS
        if (current()->thrown_) return otherwise;
        try {
            return callback();
        } catch (...) {
            current()->thrown_ = std::current_exception();
            return otherwise;
        }
#else
        return otherwise ? callback() : callback();
#endif
    }
    void rethrow() const {
#if MMX_HPP_EXCEPTIONS
        if (thrown_) std::rethrow_exception(thrown_);
#endif
    }
    Failure failure(std::shared_ptr<const Summary> summary = nullptr) {
        return Failure(std::exchange(error, nullptr), std::move(summary));
    }
    char *json = nullptr;
    mmx_error *error = nullptr;

  private:
    static Frame *&current() noexcept {
        static thread_local Frame *frame = nullptr;
        return frame;
    }
    Frame *outer_;
    std::exception_ptr thrown_;
};

/// The JSON of a field of an object that the library wrote.
inline std::string_view field(std::string_view object, std::string_view name) noexcept {
    std::size_t depth = 0, begin = 0;
    for (std::size_t at = 0; at < object.size(); ++at) {
        const char c = object[at];
        if (c == '"') {
            const std::size_t start = ++at;
            while (at < object.size() && object[at] != '"') at += object[at] == '\\' ? 2 : 1;
            if (depth == 1 && object.substr(start, at - start) == name && object.substr(at + 1, 1) == ":") begin = at + 2;
        } else if (depth == 1 && begin > 0 && (c == ',' || c == '}')) {
            return object.substr(begin, at - begin);
        } else if (c == '{' || c == '[') {
            ++depth;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return {};
}

inline std::optional<std::int64_t> number(std::string_view json) noexcept {
    std::int64_t value = 0;
    const bool is_one = std::from_chars(json.data(), json.data() + json.size(), value).ec == std::errc();
    return is_one ? std::optional<std::int64_t>(value) : std::nullopt;
}

/// A string of visible characters.
inline std::string string(std::string_view json) {
    std::string text;
    for (std::size_t at = 1; at + 1 < json.size(); ++at) text += json[at] == '\\' ? json[++at] : json[at];
    return text;
}

/// The files in the JSON of a call; none in what can't be read.
inline std::vector<File> files(const char *json) {
    mmx_files *found = nullptr;
    mmx_files_parse(json, &found, nullptr);
    const std::unique_ptr<mmx_files, decltype(&mmx_files_free)> owner(found, mmx_files_free);
    std::vector<File> files;
    files.reserve(mmx_files_count(found));
    for (std::size_t at = 0; const mmx_file *file = mmx_files_get(found, at); ++at) {
        const Time created_at{std::chrono::seconds(file->created_at)};
        files.push_back({file->file_id, file->bytes, file->created_at ? std::optional<Time>(created_at) : std::nullopt, file->filename,
                         file->purpose, file->download_url});
    }
    return files;
}

inline File file(const char *json) {
    std::vector<File> found = files(json);
    return found.empty() ? File() : std::move(found.front());
}

inline Outcome outcome(const mmx_outcome &from) {
    const auto error = from.error ? std::optional<Failure>(Failure(mmx_error_clone(from.error))) : std::nullopt;
    return {from.index,    from.file_id,  from.purpose, from.outcome, from.attempts,
            from.evidence, from.trace_id, Time{Milliseconds(from.settled_at_ms)}, error};
}

inline Summary summary(const char *json) {
    mmx_outcomes *found = nullptr;
    mmx_outcomes_parse(json, &found, nullptr);
    const std::unique_ptr<mmx_outcomes, decltype(&mmx_outcomes_free)> owner(found, mmx_outcomes_free);
    const auto of = [&](std::int32_t outcome) { return mmx_outcomes_total(found, outcome); };
    Summary summary{of(0), of(MMX_OUTCOME_DELETED), of(MMX_OUTCOME_ALREADY_ABSENT), of(MMX_OUTCOME_FAILED), of(MMX_OUTCOME_UNKNOWN),
                    of(MMX_OUTCOME_NOT_ATTEMPTED), of(MMX_OUTCOME_KEPT)};
    for (std::size_t at = 0; const mmx_outcome *one = mmx_outcomes_get(found, at); ++at) summary.outcomes.push_back(outcome(*one));
    if (const std::string_view plan = field(json, "plan"); plan.substr(0, 1) == "{") {
        const auto count = [&](std::string_view name) { return number(field(plan, name)).value_or(0); };
        summary.plan = {count("listed"), count("matched"), count("kept"), count("bytes_at_least"), count("sizes_unknown"),
                        files(json), std::string(plan)};
    }
    if (std::string_view ids = field(json, "still_listed"); ids.substr(0, 1) == "[") {
        for (summary.still_listed.emplace(); ids.size() > 2; ids.remove_prefix(std::min(ids.find(',', 1), ids.size())))
            summary.still_listed->push_back(number(ids.substr(1)).value_or(0));
    }
    return summary;
}

template <class Options> std::int32_t on_progress(void *options, std::int64_t done, std::int64_t total) {
    return Frame::contain(1, [&] { return static_cast<const Options *>(options)->progress(done, total) ? 0 : 1; });
}

/// The options of mmx.h; they borrow from those of C++.
inline mmx_call_options options(const Call &call) noexcept {
    return {sizeof(mmx_call_options), limit(call.timeout), call.max_attempts,
            (call.missing_ok ? MMX_CALL_MISSING_OK : 0) | (call.reconcile ? MMX_CALL_RECONCILE : 0) |
                (call.via_download_url ? MMX_CALL_VIA_DOWNLOAD_URL : 0),
            call.cancel ? call.cancel->get() : nullptr, call.progress ? on_progress<Call> : nullptr, const_cast<Call *>(&call)};
}

inline mmx_bulk_options options(const BulkCall &call, bool is_dry) noexcept {
    const mmx_outcome_fn on_outcome = [](void *call, const mmx_outcome *one) -> std::int32_t {
        return Frame::contain(1, [&] { return static_cast<BulkCall *>(call)->on_outcome(outcome(*one)) ? 0 : 1; });
    };
    return {sizeof(mmx_bulk_options), limit(call.timeout), limit(call.call_timeout), call.max_attempts, call.concurrency,
            (call.verify ? MMX_BULK_VERIFY : 0) | (is_dry ? MMX_BULK_DRY_RUN : 0), call.cancel ? call.cancel->get() : nullptr,
            call.progress ? on_progress<BulkCall> : nullptr, call.on_outcome ? on_outcome : nullptr, const_cast<BulkCall *>(&call)};
}

} // namespace detail

/// A client: makes the calls. Move-only. One that was moved from refuses every call.
class Client {
  public:
#if MMX_HPP_EXCEPTIONS
    explicit Client(const Config &config = {}) : Client(create(config).value()) {}

    /// Uploads a local file, all bytes, or a stream to its end, under a name.
    File upload(const std::filesystem::path &path, std::string_view purpose, const Call &call = {}) const { return try_upload(path, purpose, call).value(); }
    File upload(Bytes bytes, std::string_view filename, std::string_view purpose, const Call &call = {}) const { return try_upload(bytes, filename, purpose, call).value(); }
    File upload(std::istream &in, std::string_view filename, std::string_view purpose, const Call &call = {}) const { return try_upload(in, filename, purpose, call).value(); }
    Download download(std::int64_t file_id, const std::filesystem::path &path, const Call &call = {}) const { return try_download(file_id, path, call).value(); }
    Download download(std::int64_t file_id, std::ostream &out, const Call &call = {}) const { return try_download(file_id, out, call).value(); }
    std::string download_string(std::int64_t file_id, const Call &call = {}) const { return try_download_string(file_id, call).value(); }
    std::vector<File> list(std::string_view purpose = {}, const Call &call = {}) const { return try_list(purpose, call).value(); }
    File retrieve(std::int64_t file_id, const Call &call = {}) const { return try_retrieve(file_id, call).value(); }
    void remove(std::int64_t file_id, std::string_view purpose, const Call &call = {}) const { try_remove(file_id, purpose, call).value(); }
    template <class Files> Summary remove_all(const Files &files, const BulkCall &call = {}) const { return try_remove_all(files, call).value(); }
    Summary remove_all(std::initializer_list<FileRef> files, const BulkCall &call = {}) const { return try_remove_all(files, call).value(); }
    Summary prune(const Filter &filter, const BulkCall &call = {}) const { return try_prune(filter, call).value(); }
    Plan plan(const Filter &filter, const BulkCall &call = {}) const { return try_plan(filter, call).value(); }
#endif

    static Result<Client> create(const Config &config = {}) {
        detail::Frame frame;
        const std::unique_ptr<mmx_config, decltype(&mmx_config_free)> to(mmx_config_new(), mmx_config_free);
        std::unique_ptr<Logger> logger;
        const auto text = [&](auto set, const std::string &value) {
            return value.empty() || set(to.get(), detail::Text(value), &frame.error) == MMX_OK;
        };
        const auto number = [&](auto set, auto value) { return value == 0 || set(to.get(), value, &frame.error) == MMX_OK; };
        const bool is_valid = text(mmx_config_set_api_key, config.api_key) && text(mmx_config_set_base_url, config.base_url) &&
            text(mmx_config_set_user_agent, config.user_agent) && text(mmx_config_set_proxy, config.proxy) &&
            text(mmx_config_set_ca_file, config.ca_file.native()) && number(mmx_config_set_allow_insecure, config.allow_insecure) &&
            number(mmx_config_set_timeout_ms, detail::limit(config.timeout)) &&
            number(mmx_config_set_connect_timeout_ms, detail::limit(config.connect_timeout)) &&
            number(mmx_config_set_idle_timeout_ms, detail::limit(config.idle_timeout)) &&
            number(mmx_config_set_max_attempts, config.max_attempts) &&
            number(mmx_config_set_requests_per_minute, config.requests_per_minute);
        if (!is_valid) return frame.failure();
        if (config.logger) {
            logger = std::make_unique<Logger>(config.logger);
            const auto level = static_cast<std::int32_t>(config.log_level);
            if (mmx_config_set_logger(to.get(), log, logger.get(), level, &frame.error) != MMX_OK) return frame.failure();
        }
        mmx_client *made = nullptr;
        const mmx_status status = mmx_client_new(to.get(), &made, &frame.error);
        Client client(std::move(logger), made);
        frame.rethrow();
        if (status != MMX_OK) return frame.failure();
        return client;
    }
    Result<File> try_upload(const std::filesystem::path &path, std::string_view purpose, const Call &call = {}) const {
        return run<File>(call, detail::file, mmx_upload_file, detail::Text(path.native()), detail::Text(purpose));
    }
    Result<File> try_upload(Bytes bytes, std::string_view filename, std::string_view purpose, const Call &call = {}) const {
        struct Rest { Bytes all; std::size_t at; } rest{bytes, 0};
        const mmx_source source{sizeof(mmx_source), static_cast<std::int64_t>(bytes.size),
            [](void *of, std::uint8_t *buffer, std::size_t capacity) {
                Rest &rest = *static_cast<Rest *>(of);
                const std::size_t count = std::min(capacity, rest.all.size - rest.at);
                std::copy_n(static_cast<const std::uint8_t *>(rest.all.data) + rest.at, count, buffer);
                rest.at += count;
                return static_cast<std::int64_t>(count);
            },
            [](void *of) -> std::int32_t { return static_cast<Rest *>(of)->at = 0, 0; }, &rest};
        return run<File>(call, detail::file, mmx_upload_stream, &source, detail::Text(filename), detail::Text(purpose));
    }
    /// From where the stream is to its end; retried if it can go back.
    Result<File> try_upload(std::istream &in, std::string_view filename, std::string_view purpose, const Call &call = {}) const {
        struct Rest { std::istream &in; std::istream::pos_type start; } rest{in, in.tellg()};
        std::int64_t size = -1;
        if (rest.start != std::istream::pos_type(-1)) {
            in.seekg(0, std::ios::end);
            size = in.tellg() - rest.start;
            in.seekg(rest.start);
        }
        mmx_source source{sizeof(mmx_source), size,
            [](void *of, std::uint8_t *buffer, std::size_t capacity) {
                return detail::Frame::contain(std::int64_t{-1}, [&] {
                    std::streambuf *in = static_cast<Rest *>(of)->in ? static_cast<Rest *>(of)->in.rdbuf() : nullptr;
                    return in ? std::int64_t{in->sgetn(reinterpret_cast<char *>(buffer), static_cast<std::streamsize>(capacity))} : -1;
                });
            },
            nullptr, &rest};
        if (size >= 0) source.rewind = [](void *of) -> std::int32_t {
            const Rest &rest = *static_cast<Rest *>(of);
            return detail::Frame::contain(1, [&] { return rest.in.seekg(rest.start) ? 0 : 1; });
        };
        return run<File>(call, detail::file, mmx_upload_stream, &source, detail::Text(filename), detail::Text(purpose));
    }
    Result<Download> try_download(std::int64_t file_id, const std::filesystem::path &path, const Call &call = {}) const {
        return run<Download>(call, downloaded, mmx_download_file, file_id, detail::Text(path.native()));
    }
    /// Flushes the stream. Not started again from the beginning: a stream can't take back what it was given.
    Result<Download> try_download(std::int64_t file_id, std::ostream &out, const Call &call = {}) const {
        const mmx_sink sink{sizeof(mmx_sink), [](void *out, const std::uint8_t *data, std::size_t length) {
            std::ostream &to = *static_cast<std::ostream *>(out);
            return detail::Frame::contain(1, [&] {
                return to.write(reinterpret_cast<const char *>(data), static_cast<std::streamsize>(length)).flush() ? 0 : 1;
            });
        }, nullptr, &out};
        return run<Download>(call, downloaded, mmx_download_stream, file_id, &sink);
    }
    Result<std::string> try_download_string(std::int64_t file_id, const Call &call = {}) const {
        std::string content;
        const mmx_sink sink{sizeof(mmx_sink), [](void *to, const std::uint8_t *data, std::size_t length) {
            return detail::Frame::contain(1, [&] {
                return static_cast<std::string *>(to)->append(reinterpret_cast<const char *>(data), length), 0;
            });
        }, [](void *to) -> std::int32_t { return static_cast<std::string *>(to)->clear(), 0; }, &content};
        return run<std::string>(call, [&](const char *) { return std::move(content); }, mmx_download_stream, file_id, &sink);
    }
    /// Of a purpose; "" = of every purpose.
    Result<std::vector<File>> try_list(std::string_view purpose = {}, const Call &call = {}) const {
        return run<std::vector<File>>(call, detail::files, mmx_list_files, detail::Text(purpose).or_null());
    }
    Result<File> try_retrieve(std::int64_t file_id, const Call &call = {}) const {
        return run<File>(call, detail::file, mmx_retrieve_file, file_id);
    }
    Result<void> try_remove(std::int64_t file_id, std::string_view purpose, const Call &call = {}) const {
        return run<void>(call, [](const char *) { return Failure(); }, mmx_delete_file, file_id, detail::Text(purpose));
    }
    /// Of a container of FileRef, File, or anything else with a file_id and a purpose.
    template <class Files> Result<Summary> try_remove_all(const Files &files, const BulkCall &call = {}) const {
        std::vector<detail::Text> purposes;
        std::vector<mmx_file_ref> refs;
        for (const auto &file : files) purposes.emplace_back(file.purpose), refs.push_back({file.file_id, nullptr});
        for (std::size_t at = 0; at < refs.size(); ++at) refs[at].purpose = purposes[at];
        return bulk(call, false, mmx_delete_files, refs.data(), refs.size());
    }
    Result<Summary> try_prune(const Filter &filter, const BulkCall &call = {}) const { return pruned(filter, call, false); }
    /// What prune() would delete. Deletes nothing.
    Result<Plan> try_plan(const Filter &filter, const BulkCall &call = {}) const {
        Result<Summary> summary = pruned(filter, call, true);
        if (!summary) return summary.error();
        return std::move(*summary).plan.value_or(Plan());
    }
    /// For mmx.h, whose callbacks must not throw; NULL if it was moved from. Its logger must not throw then either.
    const mmx_client *get() const noexcept { return client_.get(); }

  private:
    using Logger = std::function<void(LogLevel, std::string_view)>;
    struct Free { void operator()(mmx_client *client) const noexcept { mmx_client_free(client); } };

    Client(std::unique_ptr<const Logger> logger, mmx_client *client) noexcept : logger_(std::move(logger)), client_(client) {}
    static void log(void *logger, std::int32_t level, const char *json) {
        detail::Frame::contain(0, [&] { return (*static_cast<const Logger *>(logger))(LogLevel{level}, json), 0; });
    }
    static Download downloaded(const char *json) {
        const auto number = [&](std::string_view name) { return detail::number(detail::field(json, name)); };
        const auto text = [&](std::string_view name) { return detail::string(detail::field(json, name)); };
        return {number("file_id").value_or(0), number("bytes").value_or(0), number("length"), number("resumed").value_or(0),
                text("content_type"), text("via"), text("trace_id")};
    }
    template <class T, class Make, class F, class... A> Result<T> run(const Call &call, Make make, F function, const A &...arguments) const {
        detail::Frame frame;
        const mmx_call_options options = detail::options(call);
        const mmx_status status = function(get(), arguments..., &options, &frame.json, &frame.error);
        frame.rethrow();
        if (status != MMX_OK) return frame.failure();
        if (call.json) *call.json = frame.json;
        return make(frame.json);
    }
    template <class F, class... A> Result<Summary> bulk(const BulkCall &call, bool is_dry, F function, const A &...arguments) const {
        detail::Frame frame;
        const mmx_bulk_options options = detail::options(call, is_dry);
        const mmx_status status = function(get(), arguments..., &options, &frame.json, &frame.error);
        if (call.json && frame.json) *call.json = frame.json;
        frame.rethrow();
        if (status == MMX_OK) return detail::summary(frame.json);
        return frame.failure(frame.json ? std::make_shared<Summary>(detail::summary(frame.json)) : nullptr);
    }
    Result<Summary> pruned(const Filter &filter, const BulkCall &call, bool is_dry) const {
        const detail::Text purpose(filter.purpose), name(filter.name_glob.value_or("")), keep(filter.keep_glob.value_or(""));
        const mmx_filter given{sizeof(mmx_filter), purpose.or_null(), filter.older_than.count(), filter.min_bytes,
            filter.name_glob ? static_cast<const char *>(name) : nullptr, filter.keep_glob ? static_cast<const char *>(keep) : nullptr,
            filter.keep_ids.data(), filter.keep_ids.size(), filter.max_files, filter.max_percent, filter.all ? MMX_FILTER_ALL : 0};
        return bulk(call, is_dry, mmx_prune_files, &given);
    }

    std::unique_ptr<const Logger> logger_;
    std::unique_ptr<mmx_client, Free> client_;
};

} // namespace MMX_HPP_NAMESPACE
} // namespace mmx

#endif
