// flags: -fsanitize=address -fno-omit-frame-pointer
// Temporary files: deleted with their object, whatever happens meanwhile.
#include "leaving.hpp"

#include <stdexcept>
#include <type_traits>

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<mmx::TemporaryFile> && !std::is_copy_assignable_v<mmx::TemporaryFile>);
static_assert(
    std::is_nothrow_move_constructible_v<mmx::TemporaryFile> && std::is_nothrow_move_assignable_v<mmx::TemporaryFile>);
static_assert(std::is_nothrow_destructible_v<mmx::TemporaryFile>);

namespace {

const Folder folder;
const auto ledger = folder.path / "ledger.jsonl";

mmx::TemporaryFile made(const mmx::Client &client, const char *name = "a.mp3") {
    return client.temporary(mmx::Bytes("bytes"), name, mmx::purpose::voice_clone);
}

std::size_t there() { return mmx::Client(config()).list().size(); }

void of_every_source(const mmx::Client &client) {
    reset(0);
    const auto path = folder.path / "声音.mp3";
    std::ofstream(path) << "from a path";
    {
        const mmx::TemporaryFile from_path = client.temporary(path, mmx::purpose::voice_clone);
        std::istringstream in("from a stream");
        mmx::CallInfo info;
        mmx::Call call;
        call.info = &info;
        const mmx::TemporaryFile from_stream = client.temporary(in, "b.mp3", mmx::purpose::voice_clone, call);
        const mmx::TemporaryFile from_bytes = made(client);
        CHECK(from_path.file().filename == "声音.mp3" && from_path.file().bytes == 11 && info.http_status == 200);
        CHECK(client.download_string(from_stream.file().file_id) == "from a stream" && there() == 3);
    }
    CHECK(there() == 0 && requests("count?call=delete") == 3);
    script(R"({"call": "upload", "code": 1004})");
    try {
        made(client);
        CHECK(false);
    } catch (const mmx::AuthenticationError &) { CHECK(requests("count?call=delete") == 3); }
}

/// Also while an exception is on its way, and in a callback of another call.
void with_exceptions(const mmx::Client &client) {
    reset(1);
    try {
        const mmx::TemporaryFile file = made(client);
        CHECK(there() == 2);
        throw std::runtime_error("mine");
    } catch (const std::runtime_error &error) { CHECK(error.what() == std::string_view("mine") && there() == 1); }
    mmx::Call call;
    call.progress = [&](std::int64_t, std::int64_t) -> bool {
        const mmx::TemporaryFile file = made(client);
        throw std::runtime_error("mine");
    };
    try {
        client.upload(mmx::Bytes("x"), "b.mp3", "voice_clone", call);
        CHECK(false);
    } catch (const std::runtime_error &) { CHECK(requests("count?call=delete&performed=1") == 2); }
}

void moves(const mmx::Client &client) {
    reset(0);
    {
        mmx::TemporaryFile first = made(client, "first.mp3"), second = made(client, "second.mp3");
        mmx::TemporaryFile moved(std::move(first));
        CHECK(there() == 2 && moved.file().filename == "first.mp3");
        CHECK(first.try_remove() && there() == 2);
        CHECK(first.try_release().error().parameter() == "client");
        moved = std::move(second);
        CHECK(there() == 1 && moved.file().filename == "second.mp3");
        mmx::TemporaryFile &same = moved;
        moved = std::move(same);
        CHECK(there() == 1);
        std::vector<mmx::TemporaryFile> several;
        several.push_back(std::move(moved));
        several.push_back(made(client));
        CHECK(there() == 2);
    }
    CHECK(there() == 0 && requests("count?call=delete") == 3);
}

/// It keeps what it needs of the client, the logger as well.
void outlives_the_client() {
    reset(0);
    const auto lines = std::make_shared<int>();
    mmx::Config noisy = config();
    noisy.logger = [lines](mmx::LogLevel, std::string_view) { ++*lines; };
    noisy.log_level = mmx::LogLevel::debug;
    {
        const mmx::TemporaryFile file = made(mmx::Client(noisy));
        noisy.logger = nullptr;
        CHECK(lines.use_count() == 2 && there() == 1);
        *lines = 0;
    }
    CHECK(there() == 0 && lines.use_count() == 1 && *lines > 0);
}

void removed_or_released(const mmx::Client &client) {
    reset(0);
    {
        mmx::TemporaryFile file = made(client);
        file.remove();
        CHECK(there() == 0 && file.file().bytes == 5);
        file.remove();
        mmx::TemporaryFile by_others = made(client);
        client.remove(by_others.file().file_id);
        by_others.remove();
        CHECK(requests("count?call=delete&performed=1") == 2);
        mmx::TemporaryFile released = made(client);
        CHECK(released.release().file_id == released.file().file_id);
    }
    CHECK(there() == 1);
}

/// remove() says so, and the destructor tries again; what that can't delete is in the log.
void not_deleted() {
    reset(0);
    int errors = 0;
    bool throws = false;
    mmx::Config noisy = config();
    noisy.log_level = mmx::LogLevel::error;
    noisy.logger = [&](mmx::LogLevel, std::string_view json) {
        errors += json.find("delete_file") != json.npos;
        if (throws) throw std::runtime_error("mine");
    };
    const mmx::Client client(noisy);
    {
        mmx::TemporaryFile file = made(client);
        script(R"({"call": "delete", "code": 1004})");
        try {
            file.remove();
            CHECK(false);
        } catch (const mmx::AuthenticationError &error) { CHECK(error.call() == "delete_file" && errors == 1); }
        CHECK(there() == 1);
    }
    CHECK(there() == 0 && errors == 1);
    script(R"({"call": "delete", "code": 1004})");
    { made(client); }
    CHECK(there() == 1 && errors == 2);
    // A logger that throws does no harm to a destructor.
    throws = true;
    script(R"({"call": "delete", "code": 1004})");
    { made(client); }
    CHECK(there() == 2 && errors == 3);
    // And an upload whose logger throws at its end leaves no file.
    noisy.log_level = mmx::LogLevel::debug;
    const mmx::Client chatty(noisy);
    try {
        made(chatty);
        CHECK(false);
    } catch (const std::runtime_error &) { CHECK(there() == 2 && requests("count?call=delete&performed=1") == 2); }
}

/// The delete is not bounded by the timeout of the client, but has one of its own.
void deadline_of_its_own() {
    reset(0);
    mmx::Config hasty = config();
    hasty.timeout = 1ms;
    const mmx::Client client(hasty);
    mmx::Call call;
    call.timeout = mmx::no_timeout;
    script(R"({"call": "delete", "delay_ms": 300})");
    { const mmx::TemporaryFile file = client.temporary(mmx::Bytes("x"), "a.mp3", "voice_clone", call); }
    CHECK(there() == 0);
}

void forked(const mmx::Client &client) {
    reset(0);
    mmx::TemporaryFile file = made(client);
    const pid_t child = fork();
    if (child == 0) {
        { const mmx::TemporaryFile inherited = std::move(file); }
        _exit(there() == 1 ? 0 : 1);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0 && there() == 1);
}

/// With a ledger, also after a kill; what is released is nobody's to sweep.
void with_a_ledger() {
    reset(0);
    const mmx::Client client = recording(ledger);
    { made(client); }
    CHECK(there() == 0 && facts(ledger, "intent") == 1 && facts(ledger, "struck") == 1);
    in_killed_process([] {
        const mmx::Client own = recording(ledger);
        const mmx::TemporaryFile file = made(own, "killed.mp3");
        mmx::TemporaryFile kept = made(own, "kept.mp3");
        kept.release();
        std::raise(SIGKILL);
    });
    CHECK(there() == 2);
    CHECK(client.sweep().deleted == 1 && there() == 1 && client.list().front().filename == "kept.mp3");
    // A ledger that can't be written keeps neither its upload nor a release.
    mmx::TemporaryFile file = made(client);
    std::filesystem::permissions(ledger, std::filesystem::perms::all);
    CHECK(file.try_release().error().status() == MMX_ERROR_FILE);
    std::filesystem::permissions(ledger, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    file.remove();
    CHECK(there() == 1);
    // That of the environment is one as well.
    std::filesystem::remove(ledger);
    setenv("MMX_LEDGER", ledger.c_str(), 1);
    {
        const mmx::Client by_environment(config());
        const mmx::TemporaryFile temporary = made(by_environment);
        CHECK(content_of(ledger).find("\"temporary\":true") != std::string::npos);
    }
    unsetenv("MMX_LEDGER");
}

} // namespace

// Deleted when the program ends.
std::optional<mmx::TemporaryFile> at_exit;

int main() {
    const mmx::Client client(config());
    control("POST", "settings", R"({"any_file": true})");
    of_every_source(client);
    with_exceptions(client);
    moves(client);
    outlives_the_client();
    removed_or_released(client);
    not_deleted();
    deadline_of_its_own();
    forked(client);
    with_a_ledger();
    reset(0);
    in_killed_process([&] {
        const pid_t child = fork();
        if (child == 0) {
            at_exit.emplace(made(client));
            std::exit(there() == 1 ? 0 : 1);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    });
    CHECK(there() == 0 && requests("count?call=delete&performed=1") == 1);
    return 0;
}
