// Exceptions of callbacks end the call and come out of it, of both forms; the client works on.
#include "check.hpp"

#include <stdexcept>

namespace {

struct Mine : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class F> void throws_mine(F &&call) {
    try {
        (void)call();
    } catch (const Mine &mine) {
        CHECK(std::string_view(mine.what()) == "mine");
        return;
    }
    failed(__FILE__, __LINE__, "it throws");
}

[[noreturn]] void mine() { throw Mine("mine"); }

/// Fails as its user says, when so much was read or written.
struct Failing : std::streambuf {
    explicit Failing(int good) : left(good) {}
    int left;
    int_type underflow() override {
        if (left-- == 0) mine();
        static char byte = 'x';
        setg(&byte, &byte, &byte + 1);
        return 'x';
    }
    std::streamsize xsputn(const char *, std::streamsize count) override {
        if (left-- == 0) mine();
        return count;
    }
};

/// Goes back to its start once, when its size was found, and fails at a retry.
struct Once : std::stringbuf {
    using std::stringbuf::stringbuf;
    int seeks = 0;
    pos_type seekpos(pos_type to, std::ios::openmode which) override {
        if (++seeks > 1) mine();
        return std::stringbuf::seekpos(to, which);
    }
};

void works(const mmx::Client &client) { CHECK(client.list().size() > 0); }

void progress(const mmx::Client &client) {
    reset(3);
    mmx::Call call;
    call.progress = [](std::int64_t, std::int64_t) -> bool { mine(); };
    throws_mine([&] { return client.upload(mmx::Bytes("bytes"), "a.mp3", "voice_clone", call); });
    throws_mine([&] { return client.try_upload(mmx::Bytes("bytes"), "a.mp3", "voice_clone", call); });
    const Folder folder;
    std::ofstream(folder.path / "kept") << "as it was";
    throws_mine([&] { return client.download(1, folder.path / "kept", call); });
    CHECK(content_of(folder.path / "kept") == "as it was");
    mmx::BulkCall bulk;
    bulk.progress = call.progress;
    throws_mine([&] { return client.remove_all(client.list(), bulk); });
    works(client);
    // One that is false cancels.
    call.progress = [](std::int64_t, std::int64_t) { return false; };
    CHECK(client.try_download_string(1, call).error().status() == MMX_ERROR_CANCELLED);
}

void outcomes(const mmx::Client &client) {
    reset(200);
    mmx::BulkCall call;
    int told = 0;
    std::string json;
    call.json = &json;
    call.on_outcome = [&](const mmx::Outcome &) -> bool {
        told++;
        mine();
    };
    throws_mine([&] { return client.remove_all(client.list(), call); });
    CHECK(told == 1 && client.list().size() > 100);
    CHECK(json.find("\"not_attempted\"") != json.npos);
    call.on_outcome = [](const mmx::Outcome &) { return false; };
    const mmx::Result<mmx::Summary> stopped = client.try_remove_all(client.list(), call);
    CHECK(stopped.error().status() == MMX_ERROR_CANCELLED);
    CHECK(stopped.error().summary() && stopped.error().summary()->not_attempted > 100);
    mmx::Filter filter;
    filter.all = true;
    call.on_outcome = [](const mmx::Outcome &) -> bool { mine(); };
    throws_mine([&] { return client.try_prune(filter, call); });
    works(client);
}

void streams(const mmx::Client &client) {
    reset(1);
    Failing at_once(0), later(100), sink(0);
    std::istream in(&at_once), slow(&later);
    throws_mine([&] { return client.upload(in, "a.mp3", "voice_clone"); });
    throws_mine([&] { return client.try_upload(slow, "a.mp3", "voice_clone"); });
    std::ostream strict(&sink);
    strict.exceptions(std::ios::badbit);
    throws_mine([&] { return client.download(1, strict); });
    // A stream that only says that it failed is a failure like another.
    Failing silent(0);
    std::ostream bad(&silent);
    CHECK(client.try_download(1, bad).error().status() == MMX_ERROR_FILE);
    std::ifstream missing("/nowhere/at/all");
    CHECK(client.try_upload(missing, "a.mp3", "voice_clone").error().status() == MMX_ERROR_FILE);
    CHECK(requests("count?call=upload&performed=1") == 0);
    works(client);
}

/// Going back to the start for a retry is a callback, too.
void rewinds() {
    reset(0);
    mmx::Config patient = config();
    patient.max_attempts = 2;
    const mmx::Client client(patient);
    for (const bool is_strict : {true, false}) {
        script(R"({"call": "upload", "code": 1002})");
        Once bytes("bytes");
        std::istream in(&bytes);
        if (is_strict) in.exceptions(std::ios::badbit);
        mmx::Call call;
        if (is_strict) throws_mine([&] { return client.upload(in, "a.mp3", "voice_clone", call); });
        else CHECK(client.try_upload(in, "a.mp3", "voice_clone", call).error().status() == MMX_ERROR_FILE);
        CHECK(bytes.seeks == 2);
    }
    CHECK(requests("count?call=upload&performed=1") == 0);
}

/// A logger can end no call: what was done is done, and then its exception comes out.
void logger() {
    reset(2);
    int lines = 0;
    mmx::Config noisy = config();
    noisy.log_level = mmx::LogLevel::debug;
    noisy.logger = [&](mmx::LogLevel, std::string_view) {
        if (++lines == 1) mine();
    };
    const mmx::Client client(noisy);
    throws_mine([&] {
        client.remove(1, "voice_clone");
        return 0;
    });
    CHECK(lines == 1 && requests("count?file_id=1&performed=1") == 1);
    client.remove(2, "voice_clone");
    CHECK(lines > 1);
    // Of many files as well: all are deleted before it comes out.
    reset(3);
    lines = 0;
    throws_mine([&] { return client.remove_all({{1, "voice_clone"}, {2, "voice_clone"}, {3, "voice_clone"}}); });
    CHECK(lines == 1 && requests("count?performed=1") == 3);
    lines = 0;
    mmx::Filter filter;
    filter.all = true;
    throws_mine([&] { return client.try_plan(filter); });
    // And while a client is made.
    lines = 0;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("no_proxy", "10.0.0.0/99", 1);
    throws_mine([&] { return mmx::Client(noisy); });
    lines = 0;
    throws_mine([&] { return mmx::Client::create(noisy); });
    unsetenv("http_proxy");
    unsetenv("no_proxy");
}

/// A call within a callback has its own exceptions.
void nested(const mmx::Client &client) {
    reset(2);
    mmx::Call outer, inner;
    inner.progress = [](std::int64_t, std::int64_t) -> bool { mine(); };
    int caught = 0;
    outer.progress = [&](std::int64_t, std::int64_t) {
        throws_mine([&] { return client.download_string(1, inner); });
        caught++;
        return true;
    };
    CHECK(!client.download_string(2, outer).empty() && caught > 0);
    outer.progress = [&](std::int64_t, std::int64_t) {
        client.remove(99, "voice_clone");
        return true;
    };
    try {
        (void)client.try_download_string(2, outer);
        failed(__FILE__, __LINE__, "it throws");
    } catch (const mmx::NotFoundError &) {}
    works(client);
}

} // namespace

int main() {
    const mmx::Client client(config());
    progress(client);
    outcomes(client);
    streams(client);
    rewinds();
    logger();
    nested(client);
    return 0;
}
