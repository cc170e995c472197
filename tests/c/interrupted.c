/* options.interrupted: asked on the calling thread when a signal came during a wait, and at intervals; it ends every
 * wait of a call, and the call goes on where it doesn't want that. */
#include "files.h"
#include "ports.h"
#include "rate.h"
#include "retry.h"
#include <netdb.h>
#include <signal.h>

static const char NAME[] = "interrupted";

/* Stands in front of libc's: a lookup that stalls. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    (void)node, (void)service, (void)hints, (void)found;
    sleep(3);
    return EAI_AGAIN;
}

static pthread_t caller;
static atomic_int asked, signals;
static atomic_bool is_to_end;
static int user_data;

static int32_t interrupted(void *given) {
    CHECK(given == &user_data);
    CHECK(pthread_equal(pthread_self(), caller));
    atomic_fetch_add(&asked, 1);
    return atomic_load(&is_to_end);
}

static void on_signal(int number_of_signal) {
    (void)number_of_signal;
    atomic_fetch_add(&signals, 1);
}

static void pause_ms(long time) {
    struct timespec pause = {time / 1000, time % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

/* Wants the end a little later, so that the caller waits by then; it would be as right if it didn't. */
static void *ends_it(void *unused) {
    (void)unused;
    pause_ms(150);
    atomic_store(&is_to_end, true);
    CHECK(pthread_kill(caller, SIGUSR1) == 0);
    return NULL;
}

static mmx_call_options asking(void) {
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.interrupted = interrupted;
    options.user_data = &user_data;
    options.timeout_ms = 20000;
    caller = pthread_self();
    atomic_store(&is_to_end, false);
    atomic_store(&asked, 0);
    return options;
}

static mmx_client *client_at(const char *url) {
    mmx_config *config = config_for(NAME, true);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_allow_insecure(config, true, NULL), MMX_OK);
    return client_of(config);
}

enum call { DELETE, LIST, WAIT, UPLOAD_FIFO, DOWNLOAD_FIFO, UPLOAD, DOWNLOAD };

static mmx_status make(enum call call, const mmx_client *client, const mmx_call_options *options, mmx_error **error) {
    struct giver giver = {.gives = 1, .piece = 1};
    struct taker taker = {0};
    mmx_source source = source_of(&giver, 1);
    mmx_sink sink = sink_to(&taker);
    char *fifo = in_folder("fifo.mp3");
    mmx_status status = MMX_OK;
    switch (call) {
    case DELETE: status = mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, options, NULL, error); break;
    case LIST: status = mmx_list_files(client, NULL, options, NULL, error); break;
    case WAIT: status = mmx_wait_file(client, 999, options, NULL, error); break;
    case UPLOAD_FIFO: status = mmx_upload_file(client, fifo, MMX_PURPOSE_VOICE_CLONE, options, NULL, error); break;
    case DOWNLOAD_FIFO: status = mmx_download_file(client, 1, fifo, options, NULL, error); break;
    case UPLOAD:
        status = mmx_upload_stream(client, &source, "a.mp3", MMX_PURPOSE_VOICE_CLONE, options, NULL, error);
        break;
    case DOWNLOAD: status = mmx_download_stream(client, 1, &sink, options, NULL, error); break;
    }
    free(fifo);
    return status;
}

static void ends(const char *what, enum call call, const mmx_client *client, const char *phase, bool ambiguous) {
    mmx_call_options options = asking();
    mmx_error *error = NULL;
    pthread_t other;
    CHECK_INT(pthread_create(&other, NULL, ends_it, NULL), 0);
    int64_t began = now_ms();
    mmx_status status = make(call, client, &options, &error);
    int64_t ended = now_ms();
    pthread_join(other, NULL);
    if (status != MMX_ERROR_CANCELLED) FAIL("%s: %s", what, mmx_error_message(error));
    if (ended - began > 2000) FAIL("%s: after %d ms", what, (int)(ended - began));
    CHECK(atomic_load(&asked) >= 1);
    CHECK_HAS(mmx_error_message(error), phase);
    CHECK_INT(mmx_error_is_ambiguous(error), ambiguous);
    mmx_error_free(error);
}

static void every_wait(void) {
    mmx_client *stalled_name = client_at("http://stalled.invalid");
    ends("name", DELETE, stalled_name, "connecting to stalled.invalid:80", false);
    char *url = format("http://127.0.0.1:%d", full_port());
    mmx_client *full = client_at(url);
    ends("connect", DELETE, full, "connecting to 127.0.0.1:", false);
    free(url);
    url = format("https://127.0.0.1:%d", silent_port());
    mmx_client *silent = client_at(url);
    ends("tls", DELETE, silent, "connecting to 127.0.0.1:", false);
    free(url);
    mmx_client *clients[] = {stalled_name, full, silent, retrying_client_for(NAME, false)};
    mmx_client *client = clients[3];
    for (int call = DELETE; call <= DOWNLOAD; call++) {
        if (call == WAIT || call == UPLOAD_FIFO || call == DOWNLOAD_FIFO) continue;
        account(NAME, 1);
        faults(NAME, "{'hang':true}");
        const char *phase = call == LIST || call == DOWNLOAD ? "asking" : "waiting for the answer";
        ends("answer", (enum call)call, client, phase, call == DELETE || call == UPLOAD);
        if (call == UPLOAD) continue; /* It is not sent again. */
        account(NAME, 1);
        faults(NAME, "{'http_status':503,'headers':{'Retry-After':'15'}}");
        ends("pause", (enum call)call, client, "waiting to try again", call == DELETE);
    }
    for (size_t i = 0; i < LENGTH_OF(clients); i++) mmx_client_free(clients[i]);
}

static void special_waits(void) {
    mmx_client *client = limited("interrupted-rate", 1);
    account("interrupted-rate", 1);
    CHECK_INT(make(LIST, client, NULL, NULL), MMX_OK);
    ends("rate", LIST, client, "rate limiter", false);
    mmx_client_free(client);
    client = client_for("interrupted-waits", false);
    account("interrupted-waits", 1);
    ends("wait", WAIT, client, "waiting for the file to be there", false);
    char *fifo = in_folder("fifo.mp3");
    CHECK(mkfifo(fifo, 0600) == 0);
    ends("fifo", UPLOAD_FIFO, client, "fifo.mp3", false);
    ends("fifo", DOWNLOAD_FIFO, client, "fifo.mp3", false);
    free(fifo);
    remove_folder();
    mmx_client_free(client);
}

static void *signals_often(void *unused) {
    (void)unused;
    for (int i = 0; i < 20; i++) {
        int before = atomic_load(&asked);
        CHECK(pthread_kill(caller, SIGUSR1) == 0);
        for (int waits = 0; atomic_load(&asked) == before && waits < 4000; waits++) pause_ms(1);
    }
    return NULL;
}

/* Signals that want nothing end nothing; each is asked about at once, and without any the intervals are short. */
static void goes_on(void) {
    mmx_client *client = client_for(NAME, false);
    mmx_call_options options = asking();
    mmx_error *error = NULL;
    pthread_t other;
    account(NAME, 1);
    faults(NAME, "{'delay_ms':1500}");
    CHECK_INT(pthread_create(&other, NULL, signals_often, NULL), 0);
    SUCCEEDS(make(DELETE, client, &options, &error), error);
    pthread_join(other, NULL);
    /* By intervals alone they would take 2 s. */
    CHECK(atomic_load(&asked) >= 20);
    options = asking();
    faults(NAME, "{'delay_ms':1000}");
    SUCCEEDS(make(LIST, client, &options, &error), error);
    CHECK(atomic_load(&asked) >= 4);
    mmx_client_free(client);
}

static int32_t ends_at_once(void *given) {
    (void)given;
    atomic_fetch_add(&asked, 1);
    return 1;
}

/* Without a signal; once it has said so, it isn't asked again. */
static void by_interval(void) {
    mmx_client *client = client_for(NAME, false);
    mmx_call_options options = asking();
    mmx_error *error = NULL;
    options.interrupted = ends_at_once;
    account(NAME, 1);
    faults(NAME, "{'hang':true}");
    FAILS(make(DELETE, client, &options, &error), error, MMX_ERROR_CANCELLED, "waiting for the answer", true);
    CHECK_INT(atomic_load(&asked), 1);
    mmx_client_free(client);
}

int main(void) {
    struct sigaction action = {0};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    goes_on();
    by_interval();
    every_wait();
    special_waits();
    CHECK(atomic_load(&signals) > 0);
    return 0;
}
