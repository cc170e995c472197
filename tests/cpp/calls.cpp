// Every call of mmx::Client, with what it takes and what it returns.
#include "check.hpp"

#include <type_traits>

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<mmx::Client> && std::is_nothrow_move_constructible_v<mmx::Client>);
static_assert(!std::is_copy_assignable_v<mmx::Client> && std::is_nothrow_move_assignable_v<mmx::Client>);
static_assert(
    std::is_nothrow_copy_constructible_v<mmx::Error> && std::is_nothrow_copy_constructible_v<mmx::TimeoutError>);

namespace {

const std::string content = std::string(70'000, 'x') + '\0' + "end";

void uploads_and_downloads(const mmx::Client &client) {
    reset(0);
    const Folder folder;
    const auto path = folder.path / "声音.mp3";
    std::ofstream(path, std::ios::binary) << content;

    std::int64_t reported = 0;
    std::string json;
    mmx::Call call;
    call.timeout = 30s;
    call.progress = [&](std::int64_t done, std::int64_t) { return reported = done, true; };
    call.json = &json;
    const mmx::File from_path = client.upload(path, mmx::purpose::voice_clone, call);
    CHECK(reported == static_cast<std::int64_t>(content.size()));
    CHECK(from_path.file_id > 0 && from_path.bytes == reported && from_path.filename == "声音.mp3");
    CHECK(from_path.purpose == mmx::purpose::voice_clone && from_path.created_at);
    CHECK(json.find("\"base_resp\"") != json.npos);

    std::istringstream text("skipped" + content);
    text.seekg(7);
    const mmx::File from_stream = client.upload(text, "b.mp3", mmx::purpose::voice_clone);
    const mmx::File from_bytes = client.upload(mmx::Bytes(content), "c.mp3", mmx::purpose::voice_clone);
    const std::vector<std::byte> raw(3, std::byte{7});
    const mmx::File from_raw = client.upload(mmx::Bytes(raw.data(), raw.size()), "d.mp3", "prompt_audio");
    CHECK(from_stream.bytes == reported && from_bytes.bytes == reported && from_raw.bytes == 3);

    const auto target = folder.path / "target";
    mmx::Download download = client.download(from_path.file_id, target);
    CHECK(download.file_id == from_path.file_id && download.bytes == reported && download.length == reported);
    CHECK(download.resumed == 0 && download.via == "retrieve_content" && download.trace_id.size() == 32);
    CHECK(!download.content_type.empty());
    CHECK(content_of(target) == content);
    std::ostringstream out;
    mmx::Call linked;
    linked.via_download_url = true;
    download = client.download(from_stream.file_id, out, linked);
    CHECK(out.str() == content && download.via == "download_url");
    CHECK(client.download_string(from_bytes.file_id) == content);
    CHECK(client.download_string(from_raw.file_id) == "\7\7\7");

    CHECK(client.list().size() == 4);
    CHECK(client.list("prompt_audio").front().file_id == from_raw.file_id);
    CHECK(!client.retrieve(from_raw.file_id).download_url.empty());

    client.remove(from_raw.file_id, from_raw.purpose);
    mmx::Call missing;
    missing.missing_ok = true;
    missing.json = &json;
    client.remove(from_raw.file_id, from_raw.purpose, missing);
    CHECK(json.find("\"evidence\":\"retrieve\"") != json.npos);
    const mmx::Summary gone = client.remove_all(client.list());
    CHECK(gone.total == 3 && gone.deleted == 3 && !gone.plan && client.list().empty());
}

/// A stream that breaks is retried from where it began, whether by bytes or by a stream.
void retries() {
    reset(0);
    mmx::Config patient = config();
    patient.max_attempts = 3;
    const mmx::Client client(patient);
    script(R"([{"call": "upload", "code": 1002}, {"call": "upload", "code": 1002}])");
    std::istringstream text("skipped" + content);
    text.seekg(7);
    const mmx::File file = client.upload(text, "b.mp3", mmx::purpose::voice_clone);
    CHECK(client.download_string(file.file_id) == content);
    script(R"([{"call": "upload", "code": 1002}])");
    CHECK(client.download_string(client.upload(mmx::Bytes(content), "c.mp3", "voice_clone").file_id) == content);
    script(R"({"call": "retrieve_content", "cut_after": 30000})");
    mmx::Download download;
    std::ostringstream out;
    download = client.download(file.file_id, out);
    CHECK(download.resumed == 1 && out.str() == content);
    script(R"({"call": "retrieve_content", "cut_after": 30000, "no_range": true, "times": 1})");
    CHECK(client.download_string(file.file_id) == content);
}

void many(const mmx::Client &client) {
    reset(50);
    mmx::Filter filter;
    filter.purpose = mmx::purpose::voice_clone;
    filter.all = true;
    filter.keep_ids = {7, 9};
    const mmx::Plan plan = client.plan(filter);
    CHECK(plan.listed == 50 && plan.matched == 50 && plan.kept == 2 && plan.files.size() == 48);
    CHECK(plan.json.rfind("{", 0) == 0 && plan.json.find("\"key_fingerprint\"") != plan.json.npos);
    CHECK(plan.bytes_at_least > 0 && plan.sizes_unknown == 0);
    CHECK(client.list().size() == 50);

    std::string json;
    mmx::BulkCall call;
    call.verify = true;
    call.json = &json;
    call.concurrency = 4;
    mmx::Summary summary =
        client.remove_all({{1, "voice_clone"}, {2, "voice_clone"}, {9007199254740993, "voice_clone"}}, call);
    CHECK(summary.total == 3 && summary.deleted == 2 && summary.already_absent == 1 && summary.outcomes.size() == 3);
    CHECK(summary.still_listed && summary.still_listed->empty() && !summary.plan);
    CHECK(json.find("\"outcomes\"") != json.npos);
    const mmx::Outcome &first = summary.outcomes.front();
    CHECK(first.index == 0 && first.file_id == 1 && first.purpose == "voice_clone" &&
          first.outcome == MMX_OUTCOME_DELETED);
    CHECK(first.evidence == "answer" && first.attempts == 1 && first.trace_id.size() == 32 && !first.error);
    CHECK(std::chrono::system_clock::now() - first.settled_at < 1min);
    CHECK(summary.outcomes.back().file_id == 9007199254740993);

    std::size_t told = 0;
    call = {};
    call.on_outcome = [&](const mmx::Outcome &outcome) { return told += outcome.outcome == MMX_OUTCOME_DELETED, true; };
    call.progress = [](std::int64_t, std::int64_t total) { return total == 48; };
    summary = client.prune(filter, call);
    CHECK(told == 46 && summary.total == 48 && summary.deleted == 46 && summary.kept == 2 && summary.outcomes.empty());
    CHECK(summary.plan && summary.plan->files.size() == 46 && client.list().size() == 2);
}

void moves() {
    reset(2);
    mmx::Client first(config());
    mmx::Client second(std::move(first));
    second.remove(1, "voice_clone");
    const mmx::Result<void> refused = first.try_remove(1, "voice_clone");
    CHECK(!refused && refused.error().parameter() == "client" && !first.get());
    first = std::move(second);
    first.remove(2, "voice_clone");
    // The logger of the client that is replaced goes with it, that of the new one comes along.
    const auto counted = [](const std::shared_ptr<int> &lines) {
        mmx::Config noisy = config();
        noisy.log_level = mmx::LogLevel::debug;
        noisy.logger = [lines](mmx::LogLevel, std::string_view) { ++*lines; };
        return mmx::Client(noisy);
    };
    const auto lines = std::make_shared<int>(), others = std::make_shared<int>();
    mmx::Client replaced = counted(lines);
    replaced = counted(others);
    CHECK(lines.use_count() == 1 && others.use_count() == 2 && replaced.list().empty() && *lines == 0 && *others > 0);
    CHECK(mmx_list_files(first.get(), nullptr, nullptr, nullptr, nullptr) == MMX_OK);
}

/// Text that C would take for a shorter one.
void text_with_nul(const mmx::Client &client) {
    reset(1);
    const std::string_view nul("voice_clone\0", 12);
    CHECK(client.try_remove(1, nul).error().parameter() == "purpose");
    CHECK(client.try_list(nul).error().parameter() == "purpose");
    CHECK(client.try_list({"\0", 1}).error().status() == MMX_ERROR_INVALID_ARGUMENT);
    mmx::Filter filter;
    filter.all = true;
    filter.keep_glob = std::string("a\0b", 3);
    CHECK(client.try_prune(filter).error().status() == MMX_ERROR_INVALID_ARGUMENT);
    CHECK(client.try_remove_all(std::vector<mmx::FileRef>{{1, std::string(nul)}}).error().parameter() == "files");
    mmx::Call call;
    for (const auto timeout : {0ms, -1ms, -5000ms}) {
        call.timeout = timeout;
        CHECK(client.try_remove(1, "voice_clone", call).error().parameter() == "options.timeout_ms");
    }
    CHECK(requests() == 0);
    call.timeout = mmx::no_timeout;
    client.remove(1, "voice_clone", call);
}

void settings() {
    const auto refuses = [](auto set, std::string_view parameter) {
        mmx::Config bad = config();
        set(bad);
        const mmx::Result<mmx::Client> client = mmx::Client::create(bad);
        CHECK(!client && client.error().parameter() == parameter);
    };
    refuses([](mmx::Config &bad) { bad.api_key = "two words"; }, "api_key");
    refuses([](mmx::Config &bad) { bad.base_url = "ftp://x"; }, "base_url");
    refuses([](mmx::Config &bad) { bad.user_agent = "\n"; }, "user_agent");
    refuses([](mmx::Config &bad) { bad.proxy = "socks5://x"; }, "url_or_none");
    refuses([](mmx::Config &bad) { bad.timeout = 0ms; }, "timeout_ms");
    refuses([](mmx::Config &bad) { bad.connect_timeout = -1ms; }, "timeout_ms");
    refuses([](mmx::Config &bad) { bad.idle_timeout = -1s; }, "timeout_ms");
    refuses([](mmx::Config &bad) { bad.max_attempts = -1; }, "max_attempts");
    refuses([](mmx::Config &bad) { bad.requests_per_minute = -1; }, "requests");
    mmx::Config missing = config();
    missing.ca_file = "/nowhere/at/all";
    CHECK(mmx::Client::create(missing).error().status() == MMX_ERROR_FILE);

    // HTTPS with a CA of one's own, and a logger that the client owns.
    reset(1);
    mmx::Config all = config();
    all.base_url = setting("MMX_TEST_HTTPS") + "/t/" + account();
    all.ca_file = setting("MMX_TEST_CA");
    all.proxy = "none";
    all.user_agent = "test/1";
    all.timeout = all.connect_timeout = all.idle_timeout = 30s;
    all.requests_per_minute = 6000;
    auto lines = std::make_shared<std::vector<std::string>>();
    all.logger = [lines](mmx::LogLevel, std::string_view json) { lines->emplace_back(json); };
    all.log_level = mmx::LogLevel::debug;
    {
        const mmx::Client client(all);
        all.logger = nullptr;
        CHECK(lines.use_count() == 2);
        client.remove(1, "voice_clone");
        CHECK(mmx_list_files(client.get(), nullptr, nullptr, nullptr, nullptr) == MMX_OK);
        CHECK(lines->size() >= 6 && lines->front().find("\"attempt\"") != std::string::npos);
    }
    CHECK(lines.use_count() == 1);
}

void tokens(const mmx::Client &client) {
    reset(1);
    const mmx::CancelToken token;
    CHECK(!token.is_triggered() && token.get());
    const mmx::CancelToken same = token;
    same.trigger();
    CHECK(token.is_triggered());
    mmx::Call call;
    call.cancel = token;
    CHECK(client.try_remove(1, "voice_clone", call).error().status() == MMX_ERROR_CANCELLED);
    token.reset();
    CHECK(!same.is_triggered());
    client.remove(1, "voice_clone", call);
}

} // namespace

int main() {
    const mmx::Client client(config());
    uploads_and_downloads(client);
    retries();
    many(client);
    moves();
    text_with_nul(client);
    settings();
    tokens(client);
    const mmx::Client from_environment;
    CHECK(from_environment.list().empty());
    return 0;
}
