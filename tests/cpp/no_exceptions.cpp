// flags: -fno-exceptions -fno-rtti
// The same calls without exceptions: their try_ forms.
#include "check.hpp"

#ifdef __cpp_exceptions
#error "this is about -fno-exceptions"
#endif

int main() {
    reset(5);
    mmx::Config settings = config();
    int lines = 0;
    settings.logger = [&](mmx::LogLevel level, std::string_view) { lines += level == mmx::LogLevel::error; };
    const mmx::Result<mmx::Client> made = mmx::Client::create(settings);
    CHECK(made && made.error().status() == MMX_OK);
    const mmx::Client &client = *made;
    const mmx::Result<mmx::File> file = client.try_upload(mmx::Bytes("bytes"), "a.mp3", mmx::purpose::voice_clone);
    CHECK(file && file->bytes == 5);
    std::istringstream in("more");
    CHECK(client.try_upload(in, "b.mp3", mmx::purpose::voice_clone));
    std::ostringstream out;
    CHECK(client.try_download(file->file_id, out) && out.str() == "bytes");
    CHECK(client.try_download_string(file->file_id).value() == "bytes");
    CHECK(client.try_retrieve(file->file_id)->filename == "a.mp3");
    CHECK(client.try_remove(file->file_id, file->purpose));
    const mmx::Result<void> gone = client.try_remove(file->file_id, file->purpose);
    CHECK(!gone && gone.error().status() == MMX_ERROR_NOT_FOUND && lines == 1);
    mmx::BulkCall stops;
    stops.on_outcome = [](const mmx::Outcome &) { return false; };
    mmx::Filter all;
    all.all = true;
    CHECK(client.try_plan(all)->files.size() == 6);
    const mmx::Result<mmx::Summary> stopped = client.try_prune(all, stops);
    CHECK(stopped.error().status() == MMX_ERROR_CANCELLED && stopped.error().summary()->plan);
    CHECK(client.try_remove_all(*client.try_list()) && client.try_list()->empty());
    const mmx::Result<mmx::File> last = client.try_upload(mmx::Bytes("x"), "c.mp3", mmx::purpose::voice_clone);
    mmx::CallInfo info;
    mmx::Call call;
    call.info = &info;
    CHECK(client.try_wait(last->file_id)->filename == "c.mp3" && client.try_remove(last->file_id, {}, call));
    CHECK(info.attempts == 1 && info.evidence == "answer" && !info.trace_id.empty());
    const Folder folder;
    const mmx::Result<mmx::File> taken = client.try_upload(mmx::Bytes("y"), "d.mp3", mmx::purpose::voice_clone);
    CHECK(client.try_take(taken->file_id, folder.path / "d.mp3", taken->purpose)->bytes == 1);
    settings.ledger = folder.path / "ledger.jsonl";
    const mmx::Result<mmx::Client> recording = mmx::Client::create(settings);
    {
        mmx::Result<mmx::TemporaryFile> made = recording->try_temporary(mmx::Bytes("z"), "e.mp3", "voice_clone");
        const mmx::TemporaryFile temporary = *std::move(made);
        CHECK(temporary.file().bytes == 1 && client.try_list()->size() == 1 && recording->try_sweep()->total == 0);
        mmx::Result<mmx::TemporaryFile> other = recording->try_temporary(mmx::Bytes("z"), "f.mp3", "voice_clone");
        mmx::TemporaryFile released = *std::move(other);
        CHECK(released.try_release() && recording->try_keep(released.file().file_id));
        CHECK(!recording->try_keep(4711) && released.try_remove());
        CHECK(client.try_remove(released.file().file_id));
    }
    CHECK(client.try_list()->empty());
    call.interrupted = [] { return true; };
    script(R"({"hang": true})");
    CHECK(client.try_list({}, call).error().status() == MMX_ERROR_CANCELLED && info.http_status == 0);
    const mmx::Result<mmx::CancelToken> token = mmx::CancelToken::create();
    token->trigger();
    call.cancel = *token;
    CHECK(client.try_list({}, call).error().status() == MMX_ERROR_CANCELLED);
    return 0;
}
