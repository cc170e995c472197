// flags: -fsanitize=address -fno-omit-frame-pointer
// Facts about calls, interrupted calls, waits for a file, deletes without its purpose, own headers and key files.
#include "check.hpp"

#include <csignal>
#include <thread>

using namespace std::chrono_literals;

namespace {

/// The service's id of the account's last request.
std::string last_trace_id() {
    const std::string journal = control("GET", "journal"), name = "\"trace_id\":\"";
    const std::size_t at = journal.rfind(name) + name.size();
    return journal.substr(at, journal.find('"', at) - at);
}

/// A call with options that ask for facts, which had other values before.
mmx::Call asking(mmx::CallInfo &info) {
    info = {7, 7, 7ms, "old", "old"};
    mmx::Call call;
    call.info = &info;
    return call;
}

bool is(const mmx::CallInfo &info, std::int32_t http_status, std::int32_t attempts, std::string_view evidence) {
    return info.http_status == http_status && info.attempts == attempts && info.evidence == evidence &&
           info.elapsed >= 0ms && info.elapsed < 10min && info.trace_id == (http_status ? last_trace_id() : "");
}

void successes(const mmx::Client &client) {
    reset(2);
    mmx::CallInfo info;
    client.list({}, asking(info));
    CHECK(is(info, 200, 1, "") && info.trace_id.size() == 32);
    client.retrieve(1, asking(info));
    CHECK(is(info, 200, 1, ""));
    client.wait(1, asking(info));
    CHECK(is(info, 200, 1, ""));
    const mmx::File file = client.upload(mmx::Bytes("bytes"), "a.mp3", "voice_clone", asking(info));
    CHECK(is(info, 200, 1, ""));
    CHECK(client.download_string(file.file_id, asking(info)) == "bytes" && is(info, 200, 1, ""));
    client.remove(1, "voice_clone", asking(info));
    CHECK(is(info, 200, 1, "answer"));
    mmx::Call missing = asking(info);
    missing.missing_ok = true;
    client.remove(1, "voice_clone", missing);
    CHECK(is(info, 200, 1, "retrieve"));
    script(R"({"call": "delete", "close_before_answer": "fin"})");
    mmx::Call patient = asking(info);
    patient.max_attempts = 2;
    client.remove(2, "voice_clone", patient);
    CHECK(is(info, 200, 2, "retrieve"));
}

/// What the failure says, the facts say as well; also if a callback throws.
void failures(const mmx::Client &client) {
    reset(1);
    mmx::CallInfo info;
    script(R"({"code": 1004})");
    const mmx::Result<void> refused = client.try_remove(1, "voice_clone", asking(info));
    CHECK(!refused && is(info, 200, 1, "") && info.trace_id == refused.error().trace_id());
    script(R"({"close_before_answer": "fin"})");
    CHECK(!client.try_list({}, asking(info)) && is(info, 0, 1, ""));
    CHECK(!client.try_remove(0, "voice_clone", asking(info)) && is(info, 0, 0, ""));
    CHECK(!client.try_remove(1, {"\0", 1}, asking(info)) && is(info, 0, 0, ""));
    script(R"({"code": 1004})");
    try {
        client.remove(1, "voice_clone", asking(info));
        CHECK(false);
    } catch (const mmx::AuthenticationError &error) {
        CHECK(is(info, 200, 1, "") && info.trace_id == error.trace_id());
    }
    mmx::Call throws = asking(info);
    throws.progress = [](std::int64_t, std::int64_t) -> bool { throw std::string("thrown"); };
    try {
        client.upload(mmx::Bytes("x"), "a.mp3", "voice_clone", throws);
        CHECK(false);
    } catch (const std::string &thrown) { CHECK(thrown == "thrown" && info.evidence.empty() && info.elapsed < 10min); }
}

void waits(const mmx::Client &client) {
    reset(0);
    std::thread adds([] {
        control("GET", "wait?count=1");
        control("POST", "files", R"([{"file_id": 77, "purpose": "voice_clone", "size": 500}])");
    });
    const mmx::File file = client.wait(77);
    adds.join();
    CHECK(file.file_id == 77 && file.bytes == 500 && file.purpose == "voice_clone" && requests() >= 2);
    mmx::Call hasty;
    hasty.timeout = 50ms;
    CHECK(client.try_wait(78, hasty).error().status() == MMX_ERROR_TIMEOUT);
    script(R"({"code": 1004})");
    const mmx::Result<mmx::File> refused = client.try_wait(78);
    CHECK(refused.error().status() == MMX_ERROR_AUTHENTICATION && refused.error().call() == "wait_file");
    CHECK(client.try_wait(0).error().parameter() == "file_id");
}

/// Asked while the call waits, and at once where a signal came.
void interrupted(const mmx::Client &client) {
    reset(1);
    script(R"({"times": -1, "hang": true})");
    int asked = 0;
    mmx::Call call;
    call.interrupted = [&] { return ++asked == 3; };
    mmx::Result<void> ended = client.try_remove(1, "voice_clone", call);
    CHECK(ended.error().status() == MMX_ERROR_CANCELLED && ended.error().is_ambiguous() && asked == 3);
    call.interrupted = []() -> bool { throw std::string("thrown"); };
    try {
        client.remove(1, "voice_clone", call);
        CHECK(false);
    } catch (const std::string &thrown) { CHECK(thrown == "thrown"); }
    static volatile std::sig_atomic_t came;
    struct sigaction action {};
    action.sa_handler = [](int) { came = 1; };
    CHECK(sigaction(SIGUSR1, &action, nullptr) == 0);
    call.interrupted = [] { return came != 0; };
    const pthread_t caller = pthread_self();
    const long before = requests();
    std::thread signals([&] {
        control("GET", "wait?count=" + std::to_string(before + 1));
        pthread_kill(caller, SIGUSR1);
    });
    ended = client.try_remove(1, "voice_clone", call);
    signals.join();
    CHECK(ended.error().status() == MMX_ERROR_CANCELLED && came == 1);
}

void purposes(const mmx::Client &client) {
    reset(0);
    control("POST", "files", R"([{"file_id": 5, "purpose": "prompt_audio"}, {"file_id": 6, "purpose": "t2a_async"},
        {"file_id": 7, "purpose": "voice_clone"}, {"file_id": 8, "purpose": "prompt_audio"}])");
    client.remove(5);
    CHECK(requests() == 2 && requests("count?performed=1&call=delete") == 1);
    CHECK(client.try_remove(5).error().status() == MMX_ERROR_NOT_FOUND);
    const mmx::Summary gone = client.remove_all({{6}, {7, "voice_clone"}, {8}, {5}});
    CHECK(gone.deleted == 3 && gone.already_absent == 1 && client.list().empty());
    CHECK(gone.outcomes.front().purpose == "t2a_async");
    reset(30);
    std::vector<mmx::FileRef> many;
    for (std::int64_t id = 1; id <= 30; ++id) many.push_back({id});
    CHECK(client.remove_all(many).deleted == 30 && requests("count?call=list") == 1);
}

void headers() {
    reset(1);
    control("POST", "files", R"([{"file_id": 900, "purpose": "voice_clone", "size": 3000}])");
    mmx::Config gateway = config();
    gateway.header("X-Gateway", "gateway-secret-1234567890").header("X-Team", "voice").header("X-Team", "data");
    CHECK(gateway.headers.size() == 3);
    std::string lines;
    gateway.logger = [&](mmx::LogLevel, std::string_view json) { lines += json; };
    gateway.log_level = mmx::LogLevel::debug;
    const mmx::Client client(gateway);
    client.remove(1);
    mmx::Call linked;
    linked.via_download_url = true;
    CHECK(client.download_string(900, linked).size() == 3000);
    const std::string journal = control("GET", "journal");
    std::size_t sent = 0;
    for (std::size_t at = 0; (at = journal.find("gateway-secret", at)) != journal.npos; ++at) ++sent;
    // Not to the store.
    CHECK(sent == 3 && requests() == 4 && journal.find(R"(["x-team","data"])") != journal.npos);
    script(R"({"code": 1004, "message": "no access with gateway-secret-1234567890"})");
    const mmx::Result<std::vector<mmx::File>> refused = client.try_list();
    CHECK(refused.error().json().find("[a header]") != std::string::npos);
    CHECK((refused.error().json() + lines).find("gateway-secret") == std::string::npos);
    const auto parameter = [](const std::string &name, const std::string &value) {
        mmx::Config bad = config();
        return std::string(mmx::Client::create(bad.header(name, value)).error().parameter());
    };
    CHECK(parameter("Authorization", "a") == "name" && parameter("", "a") == "name" && parameter("X\n", "a") == "name");
    CHECK(parameter("X-Team", "") == "value" && parameter("X-Team", "a\r\nb") == "value");
    CHECK(parameter("X-Team", std::string("a\0b", 3)) == "value");
}

void key_files() {
    reset(1);
    const Folder folder;
    const auto path = folder.path / "key";
    const auto holds = [&](const std::string &key) {
        std::ofstream(folder.path / "new") << key;
        std::filesystem::rename(folder.path / "new", path);
    };
    mmx::Config secret = config();
    secret.api_key.clear();
    secret.api_key_file = path;
    CHECK(mmx::Client::create(secret).error().error_number() == ENOENT);
    holds("sk-old\n");
    const mmx::Client client(secret);
    CHECK(client.try_list().error().status() == MMX_ERROR_AUTHENTICATION);
    holds(setting("MMX_TEST_KEY") + "\n");
    CHECK(client.list().size() == 1);
    std::filesystem::remove(path);
    const mmx::Result<std::vector<mmx::File>> unreadable = client.try_list();
    CHECK(unreadable.error().status() == MMX_ERROR_FILE && unreadable.error().error_number() == ENOENT);
    holds("two words");
    CHECK(client.try_list().error().parameter() == "api_key_file");
    CHECK(requests() == 2);
    // A key takes precedence.
    holds("sk-old");
    secret.api_key = setting("MMX_TEST_KEY");
    CHECK(mmx::Client(secret).list().size() == 1);
}

} // namespace

int main() {
    const mmx::Client client(config());
    successes(client);
    failures(client);
    waits(client);
    interrupted(client);
    purposes(client);
    headers();
    key_files();
    return 0;
}
