// flags: -fsanitize=address -fno-omit-frame-pointer
// A ledger, take, sweep and reuse; temporary files are in temporary.cpp.
#include "leaving.hpp"

using namespace std::chrono_literals;

namespace {

const Folder folder;
const auto ledger = folder.path / "ledger.jsonl";

void knows_uploads() {
    reset(0);
    const mmx::Client client = recording(ledger);
    mmx::Call call;
    call.expires_after = 3600s;
    const mmx::File file = client.upload(mmx::Bytes("x"), "a.mp3", "voice_clone", call);
    const std::string text = content_of(ledger);
    CHECK(text.find("\"file_id\":" + std::to_string(file.file_id)) != text.npos);
    CHECK(text.find("\"expires_after_s\":3600") != text.npos && facts(ledger, "intent") == 1);
    client.remove(file.file_id, file.purpose);
    CHECK(facts(ledger, "struck") == 1);
    const auto status = [](const auto &result) { return result.error().status(); };
    const mmx::Client unwritable = recording(ledger / "below");
    const long sent = requests();
    CHECK(
        status(unwritable.try_upload(mmx::Bytes("x"), "a.mp3", "voice_clone")) == MMX_ERROR_FILE && requests() == sent);
    call.expires_after = -1s;
    CHECK(client.try_upload(mmx::Bytes("x"), "a.mp3", "voice_clone", call).error().parameter() ==
          "options.expires_after_s");
}

void says_that_it_needs_one() {
    reset(1);
    const mmx::Client client(config());
    mmx::Call calls[3];
    calls[0].reuse = calls[1].temporary = true;
    calls[2].expires_after = 1s;
    for (const mmx::Call &call : calls) {
        CHECK(client.try_upload(mmx::Bytes("x"), "a.mp3", "voice_clone", call).error().parameter() == "client");
        CHECK(client.try_list({}, call).error().status() == MMX_ERROR_INVALID_ARGUMENT);
    }
    CHECK(client.try_sweep().error().parameter() == "client" && client.try_keep(1).error().parameter() == "client");
    CHECK(recording(ledger).try_keep(4711).error().status() == MMX_ERROR_NOT_FOUND);
    mmx::Client moved = recording(ledger);
    const mmx::Client other = std::move(moved);
    CHECK(moved.try_keep(1).error().parameter() == "client" && moved.try_sweep().error().parameter() == "client");
    CHECK(moved.try_temporary(mmx::Bytes("x"), "a.mp3", "voice_clone").error().parameter() == "client");
    CHECK(requests() == 0);
}

void reuses() {
    reset(0);
    std::filesystem::remove(ledger);
    const mmx::Client client = recording(ledger), other = recording(ledger);
    mmx::Call call;
    call.reuse = true;
    const mmx::File first = client.upload(mmx::Bytes("the same"), "a.mp3", "voice_clone", call);
    std::istringstream in("the same");
    CHECK(other.upload(in, "b.mp3", "voice_clone", call).file_id == first.file_id);
    CHECK(requests("count?call=upload") == 1);
    control("DELETE", "files");
    CHECK(client.upload(mmx::Bytes("the same"), "a.mp3", "voice_clone", call).file_id != first.file_id);
    CHECK(requests("count?call=upload") == 2);
}

void takes(const mmx::Client &client) {
    reset(0);
    const auto target = folder.path / "声音.mp3";
    mmx::File file = client.upload(mmx::Bytes("whole"), "a.mp3", "voice_clone");
    std::string json;
    mmx::CallInfo info;
    mmx::Call call;
    call.json = &json;
    call.info = &info;
    const mmx::Download taken = client.take(file.file_id, target, {}, call);
    CHECK(taken.file_id == file.file_id && taken.bytes == 5 && taken.length == 5 && content_of(target) == "whole");
    CHECK(info.evidence == "answer" && json.find("\"deleted\":true") != json.npos && client.list().empty());
    // The delete fails: the file is on the disk, and the message says so.
    file = client.upload(mmx::Bytes("again"), "a.mp3", "voice_clone");
    script(R"({"call": "delete", "code": 1004})");
    try {
        client.take(file.file_id, target, "voice_clone", call);
        CHECK(false);
    } catch (const mmx::AuthenticationError &error) {
        CHECK(error.call() == "take_file" && error.message().find("the whole file is in ") != std::string::npos);
    }
    CHECK(content_of(target) == "again" && json.find("\"deleted\":false") != json.npos && client.list().size() == 1);
    // The download fails: both are as they were.
    script(R"({"call": "retrieve_content", "cut_after": 2})");
    CHECK(client.try_take(file.file_id, target).error().status() == MMX_ERROR_NETWORK);
    CHECK(client.try_take(file.file_id, "/dev/null").error().status() == MMX_ERROR_FILE);
    CHECK(client.try_take(file.file_id, target, {"\0", 1}).error().parameter() == "purpose");
    CHECK(content_of(target) == "again" && client.list().size() == 1);
}

void sweeps() {
    reset(0);
    std::filesystem::remove(ledger);
    const mmx::Client client = recording(ledger);
    mmx::Call temporary;
    temporary.temporary = true;
    const mmx::File own = client.upload(mmx::Bytes("own"), "own.mp3", "voice_clone", temporary);
    in_killed_process([&] {
        const mmx::Client left = recording(ledger);
        left.upload(mmx::Bytes("temporary"), "a.mp3", "voice_clone", temporary);
        left.upload(mmx::Bytes("lasting"), "b.mp3", "voice_clone");
    });
    mmx::SweepCall dry;
    dry.dry_run = true;
    mmx::Summary summary = client.sweep(dry);
    CHECK(summary.total == 1 && summary.kept == 1 && client.list().size() == 3);
    std::size_t told = 0;
    std::string json;
    mmx::SweepCall call;
    call.timeout = 1min;
    call.json = &json;
    call.on_outcome = [&](const mmx::Outcome &one) { return told += one.outcome == MMX_OUTCOME_DELETED, true; };
    summary = client.sweep(call);
    CHECK(summary.total == 1 && summary.deleted == 1 && told == 1 && summary.unsettled.empty() && !summary.plan);
    CHECK(json.find("\"sweep\":") != json.npos && client.list().size() == 2);
    CHECK(client.sweep().total == 0);
    // What is struck out stays, and what a callback throws comes out.
    in_killed_process([&] { recording(ledger).upload(mmx::Bytes("kept"), "a.mp3", "voice_clone", temporary); });
    const std::int64_t kept = client.list().back().file_id;
    call.dry_run = true;
    call.on_outcome = [](const mmx::Outcome &) -> bool { throw 7; };
    try {
        client.sweep(call);
        CHECK(false);
    } catch (int thrown) { CHECK(thrown == 7); }
    const mmx::CancelToken token;
    token.trigger();
    dry.cancel = token;
    CHECK(client.try_sweep(dry).error().status() == MMX_ERROR_CANCELLED);
    client.keep(kept);
    CHECK(client.sweep().total == 0 && client.list().size() == 3);
    client.remove(own.file_id);
}

/// Two files fit an upload whose process was killed before its response.
void tells_what_is_unsettled() {
    reset(0);
    std::filesystem::remove(ledger);
    const mmx::Client client = recording(ledger);
    const std::string name = "a \"voice\"\\\t声音.mp3";
    script(R"({"call": "upload", "hang": true})");
    in_killed_process([&] { recording(ledger).upload(mmx::Bytes("x"), name, "voice_clone"); },
        "wait?count=1&call=upload&performed=1");
    mmx::Client(config()).upload(mmx::Bytes("y"), name, "voice_clone");
    try {
        client.sweep();
        CHECK(false);
    } catch (const mmx::PartialError &error) {
        CHECK(error.call() == "sweep" && error.summary()->total == 0 && error.summary()->unsettled.size() == 1);
        const mmx::UnsettledUpload &one = error.summary()->unsettled.front();
        CHECK(one.filename == name && one.purpose == "voice_clone" && one.bytes == 1 && one.path.empty());
        CHECK(std::chrono::system_clock::now() - one.began_at < 10min && one.file_ids.size() == 2 && !one.why.empty());
        CHECK(one.file_ids.front() == client.list().front().file_id);
    }
    CHECK(client.list().size() == 2);
}

} // namespace

int main() {
    const mmx::Client client(config());
    knows_uploads();
    says_that_it_needs_one();
    reuses();
    takes(client);
    sweeps();
    tells_what_is_unsettled();
    return 0;
}
