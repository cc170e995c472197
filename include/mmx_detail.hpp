/* What mmx.hpp, which includes this, is made of. No part of its interface. */
#ifndef MMX_HPP
#include "mmx.hpp" // Included by itself, it stands on the whole.
#elif !defined MMX_DETAIL_HPP
#define MMX_DETAIL_HPP

#include <algorithm>
#include <charconv>
#include <limits>
#include <unistd.h>

namespace mmx {
inline namespace MMX_HPP_NAMESPACE {
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
        Frame *const frame = current();
        if (!frame) return callback(); // a call of mmx.h
        if (frame->thrown_) return otherwise;
        try {
            return callback();
        } catch (...) {
            frame->thrown_ = std::current_exception();
            return otherwise;
        }
#else
        return otherwise ? callback() : callback();
#endif
    }
    void rethrow() const { thrown_ ? std::rethrow_exception(thrown_) : void(); }
    Failure failure(std::shared_ptr<const Summary> summary = nullptr) {
        return Failure(std::exchange(error, nullptr), std::move(summary));
    }
    char *json = nullptr;
    mmx_error *error = nullptr;
    mmx_call_info info = MMX_CALL_INFO_INIT;

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

/// A string with the escapes that the library writes; "" for anything else.
inline std::string string(std::string_view json) {
    std::string text;
    if (json.substr(0, 1) != "\"") return text;
    for (std::size_t at = 1; at + 1 < json.size(); ++at) {
        char c = json[at];
        if (c == '\\') {
            c = json[++at];
            if (const std::size_t known = std::string_view("bfnrt").find(c); known != std::string_view::npos) c = "\b\f\n\r\t"[known];
            if (c == 'u') std::from_chars(&json[at + 3], &json[at + 5], c = 0, 16), at += 4;
        }
        text += c;
    }
    return text;
}

/// The elements of an array; none of anything else.
inline std::vector<std::string_view> elements(std::string_view array) {
    std::vector<std::string_view> found;
    std::size_t depth = 0, begin = 1;
    for (std::size_t at = 0; at < array.size(); ++at) {
        const char c = array[at];
        if (c == '"') {
            for (++at; at < array.size() && array[at] != '"'; ++at) at += array[at] == '\\';
        } else if (c == '[' || c == '{') {
            ++depth;
        } else if ((c == ',' && depth == 1) || ((c == ']' || c == '}') && --depth == 0)) {
            if (at > begin) found.push_back(array.substr(begin, at - begin));
            begin = at + 1;
        }
    }
    return found;
}

inline std::vector<std::int64_t> ids(std::string_view array) {
    std::vector<std::int64_t> ids;
    for (const std::string_view id : elements(array)) ids.push_back(number(id).value_or(0));
    return ids;
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
    Outcome outcome{from.index,    from.file_id,  from.purpose, from.outcome, from.attempts,
                    from.evidence, from.trace_id, Time{Milliseconds(from.settled_at_ms)}};
    if (from.error) outcome.error.emplace(mmx_error_clone(from.error));
    return outcome;
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
    if (const std::string_view still = field(json, "still_listed"); still.substr(0, 1) == "[") summary.still_listed = ids(still);
    const std::string_view sweep = field(json, "sweep");
    summary.not_stored = static_cast<std::size_t>(number(field(sweep, "not_stored")).value_or(0));
    summary.waiting = static_cast<std::size_t>(number(field(sweep, "waiting")).value_or(0));
    for (const std::string_view one : elements(field(sweep, "unsettled"))) {
        const auto text = [&](std::string_view name) { return string(field(one, name)); };
        const Time began_at{Milliseconds(number(field(one, "at_ms")).value_or(0))};
        summary.unsettled.push_back({text("filename"), text("purpose"), number(field(one, "bytes")), began_at, text("path"),
                                     ids(field(one, "file_ids")), text("why")});
    }
    return summary;
}

inline Download download(const char *json) {
    const auto count = [&](std::string_view name) { return number(field(json, name)); };
    const auto text = [&](std::string_view name) { return string(field(json, name)); };
    return {count("file_id").value_or(0), count("bytes").value_or(0), count("length"), count("resumed").value_or(0),
            text("content_type"), text("via"), text("trace_id")};
}

/// Bytes that are uploaded, and how many of them were.
struct Rest {
    Bytes all;
    std::size_t at;
};

inline mmx_source source(Rest &rest) noexcept {
    const auto read = [](void *of, std::uint8_t *buffer, std::size_t capacity) {
        Rest &rest = *static_cast<Rest *>(of);
        const std::size_t count = std::min(capacity, rest.all.size - rest.at);
        std::copy_n(static_cast<const std::uint8_t *>(rest.all.data) + rest.at, count, buffer);
        rest.at += count;
        return static_cast<std::int64_t>(count);
    };
    const auto rewind = [](void *of) -> std::int32_t { return static_cast<Rest *>(of)->at = 0, 0; };
    return {sizeof(mmx_source), static_cast<std::int64_t>(rest.all.size), read, rewind, &rest};
}

/// A stream that is uploaded from where it was, to its end.
struct RestOfStream {
    std::istream &in;
    std::istream::pos_type start;
};

inline mmx_source source(RestOfStream &rest) {
    std::int64_t size = -1;
    if (rest.start != std::istream::pos_type(-1)) {
        rest.in.seekg(0, std::ios::end);
        size = rest.in.tellg() - rest.start;
        rest.in.seekg(rest.start);
    }
    const auto read = [](void *of, std::uint8_t *buffer, std::size_t capacity) {
        return Frame::contain(std::int64_t{-1}, [&] {
            std::istream &stream = static_cast<RestOfStream *>(of)->in;
            std::streambuf *in = stream ? stream.rdbuf() : nullptr;
            return in ? std::int64_t{in->sgetn(reinterpret_cast<char *>(buffer), static_cast<std::streamsize>(capacity))} : -1;
        });
    };
    const auto rewind = [](void *of) -> std::int32_t {
        const RestOfStream &rest = *static_cast<RestOfStream *>(of);
        return Frame::contain(1, [&] { return rest.in.seekg(rest.start) ? 0 : 1; });
    };
    mmx_source source{sizeof(mmx_source), size, read, nullptr, &rest};
    if (size >= 0) source.rewind = rewind;
    return source;
}

inline mmx_sink sink(std::ostream &out) noexcept {
    const auto write = [](void *out, const std::uint8_t *data, std::size_t length) {
        std::ostream &to = *static_cast<std::ostream *>(out);
        return Frame::contain(1, [&] {
            return to.write(reinterpret_cast<const char *>(data), static_cast<std::streamsize>(length)).flush() ? 0 : 1;
        });
    };
    return {sizeof(mmx_sink), write, nullptr, &out};
}

inline mmx_sink sink(std::string &content) noexcept {
    const auto write = [](void *to, const std::uint8_t *data, std::size_t length) {
        return Frame::contain(
            1, [&] { return static_cast<std::string *>(to)->append(reinterpret_cast<const char *>(data), length), 0; });
    };
    const auto restart = [](void *to) -> std::int32_t { return static_cast<std::string *>(to)->clear(), 0; };
    return {sizeof(mmx_sink), write, restart, &content};
}

/// Sets what is set; false if something is refused.
inline bool configure(mmx_config *to, const Config &config, mmx_error **error) {
    const auto text = [&](auto set, const std::string &value) { return value.empty() || set(to, Text(value), error) == MMX_OK; };
    const auto number = [&](auto set, auto value) { return value == 0 || set(to, value, error) == MMX_OK; };
    const auto header = [&](const auto &one) {
        return mmx_config_add_header(to, Text(one.first), Text(one.second), error) == MMX_OK;
    };
    return text(mmx_config_set_api_key_file, config.api_key_file.native()) && text(mmx_config_set_api_key, config.api_key) &&
           text(mmx_config_set_base_url, config.base_url) && text(mmx_config_set_user_agent, config.user_agent) &&
           text(mmx_config_set_proxy, config.proxy) && text(mmx_config_set_ca_file, config.ca_file.native()) &&
           text(mmx_config_set_ledger, config.ledger.native()) &&
           std::all_of(config.headers.begin(), config.headers.end(), header) &&
           number(mmx_config_set_allow_insecure, config.allow_insecure) &&
           number(mmx_config_set_timeout_ms, limit(config.timeout)) &&
           number(mmx_config_set_connect_timeout_ms, limit(config.connect_timeout)) &&
           number(mmx_config_set_idle_timeout_ms, limit(config.idle_timeout)) &&
           number(mmx_config_set_max_attempts, config.max_attempts) &&
           number(mmx_config_set_requests_per_minute, config.requests_per_minute);
}

template <class Options> std::int32_t on_progress(void *options, std::int64_t done, std::int64_t total) {
    return Frame::contain(1, [&] { return static_cast<const Options *>(options)->progress(done, total) ? 0 : 1; });
}

/// The options of mmx.h; they borrow from those of C++.
inline mmx_call_options options(const Call &call, mmx_call_info &info) noexcept {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = limit(call.timeout);
    options.max_attempts = call.max_attempts;
    options.flags = (call.missing_ok ? MMX_CALL_MISSING_OK : 0) | (call.reconcile ? MMX_CALL_RECONCILE : 0) |
                    (call.via_download_url ? MMX_CALL_VIA_DOWNLOAD_URL : 0) | (call.reuse ? MMX_CALL_REUSE : 0) |
                    (call.temporary ? MMX_CALL_TEMPORARY : 0);
    options.expires_after_s = call.expires_after.count();
    if (call.cancel) options.cancel = call.cancel->get();
    if (call.progress) options.progress = on_progress<Call>;
    if (call.interrupted) options.interrupted = [](void *call) -> std::int32_t {
        return Frame::contain(1, [&] { return static_cast<const Call *>(call)->interrupted() ? 1 : 0; });
    };
    options.user_data = const_cast<Call *>(&call);
    if (call.info) options.info = &info;
    return options;
}

inline CallInfo info(const mmx_call_info &from) {
    return {from.http_status, from.attempts, Milliseconds(from.elapsed_ms), from.trace_id, from.evidence};
}

template <class Options> std::int32_t on_outcome(void *options, const mmx_outcome *one) {
    return Frame::contain(1, [&] { return static_cast<const Options *>(options)->on_outcome(outcome(*one)) ? 0 : 1; });
}

inline mmx_bulk_options options(const BulkCall &call, bool is_dry) noexcept {
    return {sizeof(mmx_bulk_options), limit(call.timeout), limit(call.call_timeout), call.max_attempts, call.concurrency,
            (call.verify ? MMX_BULK_VERIFY : 0) | (is_dry ? MMX_BULK_DRY_RUN : 0), call.cancel ? call.cancel->get() : nullptr,
            call.progress ? on_progress<BulkCall> : nullptr, call.on_outcome ? on_outcome<BulkCall> : nullptr,
            const_cast<BulkCall *>(&call)};
}

inline mmx_sweep_options options(const SweepCall &call, bool is_dry) noexcept {
    return {sizeof(mmx_sweep_options), limit(call.timeout), is_dry ? MMX_BULK_DRY_RUN : 0, call.cancel ? call.cancel->get() : nullptr,
            call.on_outcome ? on_outcome<SweepCall> : nullptr, const_cast<SweepCall *>(&call)};
}

using Logger = std::function<void(LogLevel, std::string_view)>;

/// A client of mmx.h, shared by a Client and its temporary files.
struct Handle {
    Handle() = default;
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    ~Handle() { mmx_client_free(client); }
    Logger logger; // outlives the client
    mmx_client *client = nullptr;
    bool has_ledger = false;
};

inline Result<std::shared_ptr<const Handle>> create(const Config &config) {
    Frame frame;
    const std::unique_ptr<mmx_config, decltype(&mmx_config_free)> to(mmx_config_new(), mmx_config_free);
    const auto made = std::make_shared<Handle>();
    if (!configure(to.get(), config, &frame.error)) return frame.failure();
    if (config.logger) {
        const mmx_log_fn log = [](void *logger, std::int32_t level, const char *json) {
            Frame::contain(0, [&] { return (*static_cast<const Logger *>(logger))(LogLevel{level}, json), 0; });
        };
        made->logger = config.logger;
        const auto level = static_cast<std::int32_t>(config.log_level);
        if (mmx_config_set_logger(to.get(), log, &made->logger, level, &frame.error) != MMX_OK) return frame.failure();
    }
    const char *ledger = std::getenv("MMX_LEDGER");
    made->has_ledger = !config.ledger.empty() || (ledger && *ledger);
    const mmx_status status = mmx_client_new(to.get(), &made->client, &frame.error);
    frame.rethrow();
    if (status != MMX_OK) return frame.failure();
    return std::shared_ptr<const Handle>(made);
}

/// A call with further flags than those of `call`.
template <class T, class Make, class F, class... A>
Result<T> run_with(std::uint32_t flags, const mmx_client *client, const Call &call, Make make, F function, const A &...arguments) {
    Frame frame;
    mmx_call_options options = detail::options(call, frame.info);
    options.flags |= flags;
    const mmx_status status = function(client, arguments..., &options, &frame.json, &frame.error);
    if (call.info) *call.info = info(frame.info);
    if (call.json && frame.json) *call.json = frame.json;
    if (status != MMX_OK) return frame.rethrow(), frame.failure();
    // Made before what a logger threw is thrown: so a temporary file is deleted.
    Result<T> made = make(frame.json);
    frame.rethrow();
    return made;
}

template <class T, class Make, class F, class... A>
Result<T> run(const mmx_client *client, const Call &call, Make make, F function, const A &...arguments) {
    return run_with<T>(0, client, call, std::move(make), function, arguments...);
}

template <class Options, class F, class... A>
Result<Summary> bulk(const mmx_client *client, const Options &call, bool is_dry, F function, const A &...arguments) {
    Frame frame;
    const auto options = detail::options(call, is_dry);
    const mmx_status status = function(client, arguments..., &options, &frame.json, &frame.error);
    if (call.json && frame.json) *call.json = frame.json;
    frame.rethrow();
    if (status == MMX_OK) return summary(frame.json);
    return frame.failure(frame.json ? std::make_shared<Summary>(summary(frame.json)) : nullptr);
}

inline Result<Summary> prune(const mmx_client *client, const Filter &filter, const BulkCall &call, bool is_dry) {
    const Text purpose(filter.purpose), name(filter.name_glob.value_or("")), keep(filter.keep_glob.value_or(""));
    const mmx_filter given{sizeof(mmx_filter),
                           purpose.or_null(),
                           filter.older_than.count(),
                           filter.min_bytes,
                           filter.name_glob ? static_cast<const char *>(name) : nullptr,
                           filter.keep_glob ? static_cast<const char *>(keep) : nullptr,
                           filter.keep_ids.data(),
                           filter.keep_ids.size(),
                           filter.max_files,
                           filter.max_percent,
                           filter.all ? MMX_FILTER_ALL : 0};
    return bulk(client, call, is_dry, mmx_prune_files, &given);
}

template <class Files> Result<Summary> remove_all(const mmx_client *client, const Files &files, const BulkCall &call) {
    std::vector<Text> purposes;
    std::vector<mmx_file_ref> refs;
    for (const auto &file : files) purposes.emplace_back(file.purpose), refs.push_back({file.file_id, nullptr});
    for (std::size_t at = 0; at < refs.size(); ++at) refs[at].purpose = purposes[at].or_null();
    return bulk(client, call, false, mmx_delete_files, refs.data(), refs.size());
}

inline Result<std::string> download_string(const mmx_client *client, std::int64_t file_id, const Call &call) {
    std::string content;
    const mmx_sink to = sink(content);
    const auto make = [&](const char *) { return std::move(content); };
    return run<std::string>(client, call, make, mmx_download_stream, file_id, &to);
}

template <class T, class Make>
Result<T> upload(const mmx_client *client, std::uint32_t flags, const Call &call, Make make, const std::filesystem::path &path, std::string_view purpose) {
    return run_with<T>(flags, client, call, make, mmx_upload_file, Text(path.native()), Text(purpose));
}

template <class T, class Make>
Result<T> upload(const mmx_client *client, std::uint32_t flags, const Call &call, Make make, Bytes bytes, std::string_view filename, std::string_view purpose) {
    Rest rest{bytes, 0};
    const mmx_source from = source(rest);
    return run_with<T>(flags, client, call, make, mmx_upload_stream, &from, Text(filename), Text(purpose));
}

template <class T, class Make>
Result<T> upload(const mmx_client *client, std::uint32_t flags, const Call &call, Make make, std::istream &in, std::string_view filename, std::string_view purpose) {
    RestOfStream rest{in, in.tellg()};
    const mmx_source from = source(rest);
    return run_with<T>(flags, client, call, make, mmx_upload_stream, &from, Text(filename), Text(purpose));
}

/// Without a ledger there is nothing to keep, unless that `needs_one`.
inline Failure keep(const Handle *handle, std::int64_t file_id, bool needs_one) {
    if (handle && !handle->has_ledger && !needs_one) return {};
    Frame frame;
    mmx_ledger_keep(handle ? handle->client : nullptr, file_id, &frame.error);
    frame.rethrow();
    return frame.failure();
}

/// Deletes a temporary file. It allocates nothing, so that a destructor may call it.
inline mmx_status remove(const Handle &handle, const File &file, Frame &frame) noexcept {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = 30'000;
    options.flags = MMX_CALL_MISSING_OK;
    const char *const purpose = file.purpose.empty() ? nullptr : file.purpose.c_str();
    return mmx_delete_file(handle.client, file.file_id, purpose, &options, nullptr, &frame.error);
}

inline std::int64_t process_id() noexcept { return getpid(); }

} // namespace detail
} // namespace MMX_HPP_NAMESPACE
} // namespace mmx

#endif
