/* Upload: what the form holds, and that a source that is not what it says stores nothing. */
#include "contract.h"
#include "files.h"
#include <signal.h>

static const char NAME[] = "upload";

/* The server has just these bytes. */
static void stored(const char *json, long size, long seed) {
    mmx_error *error = NULL;
    mmx_files *files = NULL;
    SUCCEEDS(mmx_files_parse(json, &files, &error), error);
    CHECK_INT(mmx_files_count(files), 1);
    CHECK_INT(mmx_files_get(files, 0)->bytes, size);
    store_file(NAME, 424242, size, seed);
    char *path = format("/control/%s/sha256?file_id=%" PRId64, NAME, mmx_files_get(files, 0)->file_id);
    char *found = control("GET", path, NULL);
    free(path);
    path = format("/control/%s/sha256?file_id=424242", NAME);
    char *wanted = control("GET", path, NULL);
    CHECK_TEXT(found, wanted);
    free(path);
    free(found);
    free(wanted);
    mmx_files_free(files);
}

static void whole(const mmx_client *client) {
    static const long sizes[] = {0, 1, 8192, 512 * 1024, 512 * 1024 + 1, 3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        mmx_error *error = NULL;
        char *json = NULL, *part;
        account(NAME, 0);
        /* By a path. */
        char *path = in_folder("whole.mp3");
        uint8_t *bytes = made_whole(7, (size_t)sizes[i]);
        write_file(path, bytes, (size_t)sizes[i]);
        SUCCEEDS(mmx_upload_file(client, path, MMX_PURPOSE_VOICE_CLONE, NULL, &json, &error), error);
        stored(json, sizes[i], 7);
        mmx_string_free(json);
        unlink(path);
        free(path);
        free(bytes);
        assert_journal_holds(NAME, "\"chunked\":false", 1);
        assert_journal_holds(NAME, "\"filename\":\"whole.mp3\"", 1);
        assert_journal_holds(NAME, "\"content_type\":\"audio/mpeg\"", 1);
        assert_journal_holds(NAME, "\"purpose\":\"voice_clone\"", 1);
        assert_journal_holds(NAME, "\"path\":\"/v1/files/upload\"", 1);
        /* By a source of a known size, in odd pieces, and of an unknown one. */
        struct giver giver = {.seed = 8, .gives = sizes[i], .piece = 77777};
        mmx_source source = source_of(&giver, sizes[i]);
        SUCCEEDS(mmx_upload_stream(client, &source, "b.wav", MMX_PURPOSE_PROMPT_AUDIO, NULL, &json, &error), error);
        stored(json, sizes[i], 8);
        mmx_string_free(json);
        assert_journal_holds(NAME, "\"chunked\":false", 2);
        assert_journal_holds(NAME, "\"content_length\":null", 0);
        giver = (struct giver){.seed = 9, .gives = sizes[i], .piece = SIZE_MAX};
        source = source_of(&giver, -1);
        SUCCEEDS(mmx_upload_stream(client, &source, "c.m4a", MMX_PURPOSE_PROMPT_AUDIO, NULL, &json, &error), error);
        stored(json, sizes[i], 9);
        mmx_string_free(json);
        assert_journal_holds(NAME, "\"chunked\":true", 1);
        assert_journal_holds(NAME, "\"content_length\":null", 1);
        part = format("\"bytes\":%ld,", sizes[i]);
        assert_journal_holds(NAME, part, 3);
        free(part);
        CHECK_INT(count_of(NAME, "count"), 3);
    }
    /* One connection carried them all: each was read and answered whole. */
    CHECK_INT(count_of(NAME, "open"), 1);
}

static void names(const mmx_client *client) {
    static const char *const cases[][3] = {
        {"a.mp3", "\"filename\":\"a.mp3\"", "audio/mpeg"},
        {"a.m4a", "\"filename\":\"a.m4a\"", "audio/m4a\""},
        {"a.WAV", "\"filename\":\"a.WAV\"", "audio/wav"},
        {"a.txt", "\"filename\":\"a.txt\"", "text/plain"},
        {"a.zip", "\"filename\":\"a.zip\"", "application/zip"},
        {"a.mp4", "\"filename\":\"a.mp4\"", "video/mp4"},
        {"a.avi", "\"filename\":\"a.avi\"", "video/x-msvideo"},
        {"a.MOV", "\"filename\":\"a.MOV\"", "video/quicktime"},
        {"a.mkv", "\"filename\":\"a.mkv\"", "video/x-matroska"},
        {"a.jpg", "\"filename\":\"a.jpg\"", "image/jpeg"},
        {"a.png", "\"filename\":\"a.png\"", "image/png"},
        {"a.heif", "\"filename\":\"a.heif\"", "image/heif"},
        {"a.tar.mp3", "\"filename\":\"a.tar.mp3\"", "audio/mpeg"},
        {"a.webp", "\"filename\":\"a.webp\"", "image/webp"},
        {"a.heic", "\"filename\":\"a.heic\"", "image/heic"},
        {"a.jpeg", "\"filename\":\"a.jpeg\"", "image/jpeg"},
        {"a", "\"filename\":\"a\"", "application/octet-stream"},
        {"a.no-such", "\"filename\":\"a.no-such\"", "application/octet-stream"},
        {"a\"b.mp3", "\"filename\":\"a%22b.mp3\"", "audio/mpeg"},
        {"a\r\nX: y\r\n\r\n.mp3", "\"filename\":\"a%0D%0AX: y%0D%0A%0D%0A.mp3\"", "audio/mpeg"},
        {"a\\b.mp3", "\"filename\":\"a\\\\b.mp3\"", "audio/mpeg"},
        {"a%22.mp3", "\"filename\":\"a%22.mp3\"", "audio/mpeg"},
        {"\xe5\xa3\xb0\xe9\x9f\xb3 \xc3\xa9.wav", "\"filename\":\"\xe5\xa3\xb0\xe9\x9f\xb3 \xc3\xa9.wav\"",
            "audio/wav"},
        {"\"; name=\"purpose.mp3", "\"filename\":\"%22; name=%22purpose.mp3\"", "audio/mpeg"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mmx_error *error = NULL;
        char *json = NULL;
        struct giver giver = {.seed = 1, .gives = 10, .piece = 3};
        mmx_source source = source_of(&giver, 10);
        account(NAME, 0);
        any_file(NAME, true);
        SUCCEEDS(mmx_upload_stream(client, &source, cases[i][0], MMX_PURPOSE_VOICE_CLONE, NULL, &json, &error), error);
        mmx_string_free(json);
        assert_journal_holds(NAME, cases[i][1], 1);
        char *type = format("\"content_type\":\"%s", cases[i][2]);
        assert_journal_holds(NAME, type, 1);
        free(type);
    }
    /* The answer is handed over as it came, with what nobody knows yet. */
    static const char answer[] = " {\"file\":{\"x\":1.50,\"file_id\":\"9007199254740993\",\"y\":[null]},\"base_resp\":{"
                                 "\"status_code\":0},\"z\":{}}\n";
    mmx_error *error = NULL;
    char *json = NULL;
    struct giver giver = {.seed = 1, .gives = 10, .piece = 3};
    mmx_source source = source_of(&giver, 10);
    script(NAME,
        "{\"body\": \" {\\\"file\\\":{\\\"x\\\":1.50,\\\"file_id\\\":\\\"9007199254740993\\\",\\\"y\\\":[null]},"
        "\\\"base_resp\\\":{\\\"status_code\\\":0},\\\"z\\\":{}}\\n\"}");
    SUCCEEDS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, NULL, &json, &error), error);
    CHECK_TEXT(json, answer);
    mmx_string_free(json);
    /* The name of a path is that of its last part. */
    account(NAME, 0);
    char *path = in_folder("\xe5\xa3\xb0 \"x\".mp3");
    write_file(path, "x", 1);
    CHECK_INT(mmx_upload_file(client, path, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, NULL), MMX_OK);
    assert_journal_holds(NAME, "\"filename\":\"\xe5\xa3\xb0 %22x%22.mp3\"", 1);
    unlink(path);
    free(path);
}

/* A file that changes its size while it is read: by the progress function, which is told before the end. */
static const char *changing;
static off_t new_size;

static int32_t change(void *user_data, int64_t done, int64_t total) {
    (void)user_data, (void)done;
    if (total > 0 && truncate(changing, new_size) != 0) FAIL("%s can't be changed", changing);
    return 0;
}

static void not_what_it_says(const mmx_client *client) {
    enum { SIZE = 3 << 20 };
    static const struct {
        int64_t size, gives, end;
        const char *part;
    } cases[] = {
        {SIZE, SIZE - 1, 0, "it ended after 3145727 of the 3145728 bytes announced"},
        {SIZE, 0, 0, "it ended after 0 of the 3145728 bytes announced"},
        {SIZE, SIZE + 1, 0, "there is more than the 3145728 bytes announced"},
        {0, 1, 0, "there is more than the 0 bytes announced"},
        {SIZE, SIZE, -1, "the source gave up (its read returned -1)"},
        {SIZE, 100, -7, "the source gave up (its read returned -7)"},
        {-1, 100, INT64_MIN, "the source gave up (its read returned -9223372036854775808)"},
        {-1, SIZE, -1, "the source gave up"},
        {SIZE, 100, INT64_MAX, "bytes into a buffer of"},
        {-1, 0, 1 << 30, "bytes into a buffer of"},
        {INT64_MAX, 100, 0, "it ended after 100 of the 9223372036854775807 bytes announced"},
    };
    mmx_error *error = NULL;
    account(NAME, 0);
    long had = files_of(NAME);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *json = FILLED;
        struct giver giver = {.seed = 1, .gives = cases[i].gives, .end = cases[i].end, .piece = 400000};
        mmx_source source = source_of(&giver, cases[i].size);
        FAILS(mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, NULL, &json, &error), error,
            MMX_ERROR_FILE, cases[i].part, false);
        CHECK(json == NULL);
        CHECK_INT(count_of(NAME, "wait?open=0"), 0);
    }
    static const off_t sizes[] = {0, SIZE / 2, SIZE - 1, SIZE + 1, SIZE * 2};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *path = in_folder("changing.mp3");
        uint8_t *bytes = made_whole(1, SIZE);
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        write_file(path, bytes, SIZE);
        changing = path;
        new_size = sizes[i];
        options.progress = change;
        FAILS(mmx_upload_file(client, path, MMX_PURPOSE_VOICE_CLONE, &options, NULL, &error), error, MMX_ERROR_FILE,
            "announced", false);
        unlink(path);
        free(path);
        free(bytes);
    }
    CHECK_INT(count_of(NAME, "wait?open=0"), 0);
    CHECK_INT(files_of(NAME), had);
    CHECK_INT(count_of(NAME, "count?performed=1"), 0);
    assert_journal_holds(NAME, "\"complete\":true", 0);
}

static void no_file(const mmx_client *client) {
    mmx_error *error = NULL;
    account(NAME, 0);
    char *missing = in_folder("missing.mp3"), *locked = in_folder("locked.mp3");
    FAILS(mmx_upload_file(client, missing, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error, MMX_ERROR_FILE,
        "missing.mp3 can't be read: no such file", false);
    FAILS(mmx_upload_file(client, folder(), MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error, MMX_ERROR_FILE,
        "it is a folder", false);
    write_file(locked, "x", 1);
    chmod(locked, 0);
    if (geteuid() == 0 && seteuid(65534) == 0) { chmod(folder(), 0755); }
    if (geteuid() != 0)
        FAILS(mmx_upload_file(client, locked, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error, MMX_ERROR_FILE,
            "permission denied", false);
    if (getuid() == 0) CHECK_INT(seteuid(0), 0);
    error = FILLED;
    REFUSES(mmx_upload_file(client, "", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error, "path", "names no file");
    REFUSES(mmx_upload_file(client, "/", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error, "path", "names no file");
    REFUSES(mmx_upload_file(client, locked, "N o", NULL, NULL, &error), error, "purpose",
        "must be 1 to 64 letters, digits, _, - and .");
    struct giver giver = {.gives = 1, .piece = 1};
    mmx_source source = source_of(&giver, 1);
    char name[1026] = {0};
    memset(name, 'a', 1025);
    REFUSES(mmx_upload_stream(client, &source, name, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error, "filename",
        "1 to 1024 bytes");
    REFUSES(mmx_upload_stream(client, &source, "", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error, "filename",
        "1 to 1024 bytes");
    REFUSES(
        mmx_upload_stream(client, NULL, "a", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error, "source", "is NULL");
    source.size = -2;
    REFUSES(mmx_upload_stream(client, &source, "a", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error, "source.size",
        "not -2");
    source.size = 1;
    source.read = NULL;
    REFUSES(mmx_upload_stream(client, &source, "a", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error, "source.read",
        "is NULL");
    source.struct_size = 8;
    REFUSES(mmx_upload_stream(client, &source, "a", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error,
        "source.struct_size", "MMX_SOURCE_INIT");
    CHECK_INT(giver.at, 0);
    CHECK_INT(count_of(NAME, "count"), 0);
    free(missing);
    free(locked);
}

/* Files that the kernel makes as they are read: their size says nothing. */
static void kernel_files(const mmx_client *client) {
    static const char *const paths[] = {
        "/proc/version", "/sys/kernel/mm/transparent_hugepage/enabled", "/proc/self/limits"};
    any_file(NAME, true);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        char bytes[8192];
        mmx_error *error = NULL;
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0) FAIL("%s: %s", paths[i], strerror(errno));
        ssize_t size = read(fd, bytes, sizeof bytes);
        close(fd);
        CHECK(size > 0);
        /* Sent again from its start, too. */
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        options.max_attempts = 2;
        script(NAME, "{\"call\": \"upload\", \"code\": 1002}");
        char *json = NULL, *part = format("\"bytes\":%zd,", size);
        SUCCEEDS(mmx_upload_file(client, paths[i], MMX_PURPOSE_VOICE_CLONE, &options, &json, &error), error);
        CHECK_HAS(json, part);
        mmx_string_free(json);
        free(part);
    }
    /* One that is empty stays one of a known size. */
    char *path = in_folder("empty.mp3");
    mmx_error *error = NULL;
    write_file(path, "", 0);
    SUCCEEDS(mmx_upload_file(client, path, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error);
    assert_journal_holds(NAME, "\"chunked\":true", 2 * sizeof paths / sizeof *paths);
    unlink(path);
    free(path);
    any_file(NAME, false);
}

int main(void) {
    signal(SIGPIPE, SIG_DFL);
    for (int https = 0; https < 2; https++) {
        account(NAME, 0);
        mmx_client *client = client_for(NAME, https);
        whole(client);
        names(client);
        not_what_it_says(client);
        no_file(client);
        account(NAME, 0);
        kernel_files(client);
        mmx_client_free(client);
    }
    remove_folder();
    return 0;
}
