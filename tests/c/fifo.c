/* A path that leads to a FIFO, in both directions: whoever is at the other end may be late, stall or leave, and a cancel
 * and the time limit are heard all the while. */
#include "contract.h"
#include "files.h"
#include <pthread.h>
#include <signal.h>

static const char NAME[] = "fifo";
enum { SIZE = 1 << 20 };
static char *path;
static uint8_t *content; /* of file 1, made of seed 5 */
static mmx_error *error;

/* The other end: it opens the FIFO after a while, moves so many bytes, and then leaves, or stays until it is let go. */
struct peer {
    pthread_t thread;
    useconds_t late_us;
    size_t moves;
    bool writes, stays, differs;
    int leave[2]; /* a pipe: closed at [1], it leaves */
};

static void *other_end(void *given) {
    struct peer *peer = given;
    uint8_t buffer[4096];
    sigset_t own;
    sigemptyset(&own);
    sigaddset(&own, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &own, NULL);
    usleep(peer->late_us);
    int fd = open(path, (peer->writes ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
    CHECK(fd >= 0);
    for (size_t at = 0; at < peer->moves;) {
        size_t length = peer->moves - at < sizeof buffer ? peer->moves - at : sizeof buffer;
        ssize_t moved = peer->writes ? write(fd, content + at, length) : read(fd, buffer, length);
        if (moved <= 0) break;
        if (!peer->writes && memcmp(buffer, content + at, (size_t)moved) != 0) peer->differs = true;
        at += (size_t)moved;
    }
    if (peer->stays) (void)!read(peer->leave[0], buffer, 1);
    close(fd);
    return NULL;
}

static void begin(struct peer *peer) {
    CHECK(pipe(peer->leave) == 0);
    CHECK_INT(pthread_create(&peer->thread, NULL, other_end, peer), 0);
}

static void end(struct peer *peer) {
    close(peer->leave[1]);
    /* It may still be in its open(), which returns once there has been another end. */
    close(open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC));
    pthread_join(peer->thread, NULL);
    close(peer->leave[0]);
    CHECK(!peer->differs);
}

static mmx_status transfer(const mmx_client *client, bool up, const mmx_call_options *options) {
    if (up) return mmx_upload_file(client, path, MMX_PURPOSE_VOICE_CLONE, options, NULL, &error);
    return mmx_download_file(client, 1, path, options, NULL, &error);
}

static void reset(void) {
    account(NAME, 0);
    store_file(NAME, 1, SIZE, 5);
}

static void whole(const mmx_client *client) {
    static const size_t sizes[] = {0, 1, 4096, SIZE};
    for (useconds_t late_us = 0; late_us <= 100000; late_us += 100000) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            struct peer writer = {.late_us = late_us, .moves = sizes[i], .writes = true};
            reset();
            begin(&writer);
            SUCCEEDS(transfer(client, true, NULL), error);
            end(&writer);
            char *bytes = format("\"bytes\":%zu,", sizes[i]);
            assert_journal_holds(NAME, bytes, 1);
            assert_journal_holds(NAME, "\"chunked\":true", 1);
            free(bytes);
        }
        struct peer reader = {.late_us = late_us, .moves = SIZE};
        begin(&reader);
        SUCCEEDS(transfer(client, false, NULL), error);
        end(&reader);
    }
    any_file(NAME, true);
    SUCCEEDS(mmx_upload_file(client, "/dev/null", MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), error);
}

static void *trigger(void *token) {
    usleep(100000);
    mmx_cancel_trigger(token);
    return NULL;
}

/* Ended by the time limit and by a token, with nobody at the other end and with somebody who stalls. */
static void ends(const mmx_client *client, bool up, bool somebody, const char *part) {
    for (int by_token = 0; by_token < 2; by_token++) {
        pthread_t thread;
        mmx_cancel *token = NULL;
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        struct peer peer = {.moves = up ? 100000 : 1000, .writes = up, .stays = true};
        reset();
        long had = files_of(NAME);
        if (somebody) begin(&peer);
        if (by_token) {
            CHECK_INT(mmx_cancel_new(&token, NULL), MMX_OK);
            CHECK_INT(pthread_create(&thread, NULL, trigger, token), 0);
        }
        options.cancel = token;
        options.timeout_ms = by_token ? 0 : 300;
        char *text = format("%s while %s %s", by_token ? "cancelled" : "the time limit of 300 ms passed", part, path);
        int64_t started = now_ms();
        mmx_status status = transfer(client, up, &options);
        CHECK(now_ms() - started < 5000);
        CHECK_INT(mmx_error_attempts(error), somebody);
        FAILS(status, error, by_token ? MMX_ERROR_CANCELLED : MMX_ERROR_TIMEOUT, text, false);
        if (by_token) pthread_join(thread, NULL);
        mmx_cancel_free(token);
        if (somebody) end(&peer);
        else CHECK_INT(count_of(NAME, "count"), 0);
        CHECK_INT(count_of(NAME, "wait?open=0"), 0);
        CHECK_INT(files_of(NAME), had);
        free(text);
    }
}

/* A reader that leaves early: the host, with the default SIGPIPE, lives. */
static void left(const mmx_client *client) {
    static const size_t moves[] = {0, 1000, SIZE / 2};
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        struct peer reader = {.moves = moves[i]};
        reset();
        begin(&reader);
        FAILS(transfer(client, false, NULL), error, MMX_ERROR_FILE, "fifo.mp3 can't be written: broken pipe", false);
        end(&reader);
    }
}

/* Nothing is waited for where nothing can come. */
static void cancelled_before(const mmx_client *client) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    CHECK_INT(mmx_cancel_new(&options.cancel, NULL), MMX_OK);
    mmx_cancel_trigger(options.cancel);
    for (int up = 0; up < 2; up++) {
        FAILS(transfer(client, up, &options), error, MMX_ERROR_CANCELLED, "cancelled before anything was sent", false);
    }
    mmx_cancel_free(options.cancel);
}

int main(void) {
    signal(SIGPIPE, SIG_DFL);
    path = in_folder("fifo.mp3");
    content = made_whole(5, SIZE);
    CHECK_INT(mkfifo(path, 0600), 0);
    for (int https = 0; https < 2; https++) {
        mmx_client *client = client_for(NAME, https);
        whole(client);
        ends(client, true, false, "waiting for bytes from");
        ends(client, true, true, "waiting for bytes from");
        ends(client, false, false, "waiting for a reader of");
        ends(client, false, true, "waiting for room in");
        left(client);
        cancelled_before(client);
        mmx_client_free(client);
    }
    free(content);
    free(path);
    remove_folder();
    return 0;
}
