/* The connection ends at every byte of the response, and at every KiB of the request, in each of the five calls, over
 * HTTP and TLS (there of what is on the wire, handshake included), by FIN and by RST; and an upload is refused at every
 * 4 KiB. At each point the call ends with the right status, what it reports agrees with the server and with the local
 * files, the client is usable, and no descriptor is left. With retries it is a success at every point: what a lost
 * response left open is looked up, so that nothing is stored twice.
 *
 * MMX_TEST_ONE_IN: one point in so many, chosen by MMX_TEST_SEED; 1 = every point. */
#include "calls.h"
#include "relay.h"
#include "workers.h"
#include <sys/prctl.h>

enum { UPLOADED = 150000, SMALL = 2048, KIB = 1024, REFUSED_EACH = 4096, MOST_DOUBTS = 40000 };

static struct place place;
static struct relay *relays[2];
static struct report report;
static char here[160];

/* Failures that were reported as not carried out: looked at again at the end, when the server is done with everything. */
static struct doubt {
    char account[48];
    long files;
} *doubts;
static long doubt_count;

static void too_long(int signal) {
    (void)signal;
    (void)!write(STDERR_FILENO, "a call hangs at ", 16);
    (void)!write(STDERR_FILENO, here, strlen(here));
    _exit(3);
}

/* A relay in a process of its own: its descriptors are not ours. */
static struct relay *forked_relay(bool https) {
    struct relay *relay = mmap(NULL, sizeof *relay, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(relay != MAP_FAILED);
    relay->server_port = atoi(strrchr(setting(https ? "MMX_TEST_HTTPS" : "MMX_TEST_HTTP"), ':') + 1);
    relay->listener = socket_at_a_port(64);
    relay->port = port_of(relay->listener);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        accepts(relay);
        _exit(0);
    }
    close(relay->listener);
    return relay;
}

/* One call behind a relay that breaks its first connection; -1 = not. Then what must be so. */
static void visit(
    const struct call *call, bool https, long up, long down, bool reset, const char *fault, void (*on_return)(void)) {
    static long accounts;
    struct relay *relay = relays[https];
    char name[48];
    snprintf(name, sizeof name, "cut-%d-%06ld", worker, accounts++);
    snprintf(here, sizeof here, "%s over %s: request %ld, response %ld, %s, %s", call->name, https ? "TLS" : "HTTP", up,
        down, reset ? "RST" : "FIN",
        fault           ? fault
        : place.retries ? "with retries"
                        : "");
    now_at = here;
    alarm(100);
    if (fault) faults(name, fault);
    char *url = format("%s://127.0.0.1:%d", https ? "https" : "http", relay->port);
    place.url = url;
    place.https = https;
    place_at(&place, name, own_folder);
    relay->up = up;
    relay->down = down;
    relay->reset = reset;
    relay->breaks = up >= 0 || down >= 0;
    atomic_store(&relay->accepted, 0);
    atomic_store(&relay->passed_up, 0);
    atomic_store(&relay->passed_down, 0);
    work(call, &place, &report, NULL, on_return);
    check_report(call, &place, &report);
    if (report.status != MMX_OK && !report.ambiguous) {
        if (doubt_count == MOST_DOUBTS) FAIL("too many points");
        copy_text(doubts[doubt_count].account, sizeof doubts->account, name);
        doubts[doubt_count++].files = place.files;
    }
    free(url);
    counted[0]++;
    if (getenv("MMX_TEST_VERBOSE"))
        printf("%s: %s%s\n", here, mmx_status_name(report.status), report.ambiguous ? " ?" : "");
}

static void status_is(bool is_right) {
    if (!is_right) WRONG(&report, "another status was to be expected");
}

static void responses(const struct call *call, bool https, bool reset, long length) {
    bool changes = call->check == check_delete || call->check == check_upload;
    for (long down = 0; down <= length; down++) {
        if (!is_next_mine(down == 0 || (one_in == 1 && down == length))) continue;
        visit(call, https, -1, down, reset, NULL, NULL);
        mmx_status status = report.status;
        if (place.retries) {
            /* The server has carried it out: that is found by a lookup. */
            bool is_found = strstr(report.json, "\"evidence\"");
            status_is(status == MMX_OK && (is_found || !changes || https || down == length));
            counted[1] += is_found;
        } else if (down == length) {
            /* The length of what TLS sends varies by some bytes. */
            status_is(status == MMX_OK || (https && status == MMX_ERROR_NETWORK));
        } else if (https) {
            status_is(
                status == MMX_ERROR_NETWORK || status == MMX_ERROR_CONNECT || (status == MMX_OK && down > length - 16));
        } else {
            /* The server has the whole request. */
            status_is(status == MMX_ERROR_NETWORK && report.ambiguous == changes);
            status_is(report.attempts == 1);
        }
    }
}

static void requests_cut(const struct call *call, bool https, bool reset, long length) {
    for (long up = 0; up <= length; up += length <= SMALL ? 1 : KIB) {
        if (!is_next_mine(up == 0)) continue;
        visit(call, https, up, -1, reset, NULL, NULL);
        /* Nothing was sent where the handshake, of TCP or TLS, was cut. */
        status_is(place.retries ? report.status == MMX_OK
                                : report.status == MMX_ERROR_NETWORK ||
                                      ((https || up == 0) && report.status == MMX_ERROR_CONNECT));
    }
}

static void refusals(const struct call *call, bool https) {
    static const char *const endings[] = {"'close':'fin'", "'close':'rst'", "'keep':true"};
    for (size_t i = 0; i < LENGTH_OF(endings); i++) {
        for (long after = 0; after < UPLOADED; after += REFUSED_EACH) {
            if (!is_next_mine(after == 0)) continue;
            char *fault = format("{'call':'upload','code':1026,'refuse_after':%ld,%s}", after, endings[i]);
            visit(call, https, -1, -1, false, fault, NULL);
            status_is(report.status == MMX_ERROR_CONTENT_REJECTED || (i < 2 && report.status == MMX_ERROR_NETWORK));
            free(fault);
        }
    }
    for (int reset = 0; reset < 2; reset++) {
        for (long after = 0; after < UPLOADED; after += REFUSED_EACH) {
            if (!is_next_mine(after == 0)) continue;
            char *fault =
                format("{'call':'upload','stop_reading_after':%ld,'then':'%s'}", after, reset ? "rst" : "fin");
            visit(call, https, -1, -1, false, fault, NULL);
            status_is(report.status == MMX_ERROR_NETWORK);
            free(fault);
        }
    }
}

/* What an undisturbed call puts on the wire: noted when it returns. */
static long sent, received;
static bool measured_https;

static void note(void) {
    sent = atomic_load(&relays[measured_https]->passed_up);
    received = atomic_load(&relays[measured_https]->passed_down);
}

static void upload_is_of(int64_t size) {
    uint8_t *content = made_whole(7, (size_t)size);
    char *source = format("%s/torture.mp3", own_folder);
    unlink(source);
    write_file(source, content, (size_t)size);
    place.size = size;
    free(source);
    free(content);
}

static void measure(const struct call *call, bool https) {
    measured_https = https;
    visit(call, https, -1, -1, false, NULL, note);
    status_is(report.status == MMX_OK);
}

/* The waits before retries take more time than the rest: each kind of end once. */
static void with_retries(const struct call *call, bool https) {
    upload_is_of(SMALL);
    measure(call, https);
    long up = sent, down = received;
    place.retries = true;
    responses(call, https, false, down);
    requests_cut(call, https, true, up);
    place.retries = false;
}

static void works(void) {
    doubts = calloc(MOST_DOUBTS, sizeof *doubts);
    for (int https = 0; https < 2; https++) relays[https] = forked_relay(https);
    for (size_t i = 0; i < LENGTH_OF(five_calls); i++) {
        const struct call *call = &five_calls[i];
        bool is_upload = call->check == check_upload;
        for (int https = 0; https < 2; https++) {
            upload_is_of(SMALL);
            measure(call, https);
            long length = received;
            for (int reset = 0; reset < 2; reset++) responses(call, https, reset, length);
            if (is_upload) upload_is_of(UPLOADED);
            measure(call, https);
            length = sent;
            for (int reset = 0; reset < 2; reset++) requests_cut(call, https, reset, length);
            if (is_upload) refusals(call, https);
            with_retries(call, https);
        }
    }
    now_at = "at the end";
    for (long i = 0; i < doubt_count; i++) {
        if (files_of(doubts[i].account) != doubts[i].files)
            FAIL("%s: a call that was reported as failed and not ambiguous was carried out", doubts[i].account);
    }
    free(doubts);
}

int main(void) {
    signal(SIGALRM, too_long);
    run_workers(works, 600);
    printf("cut at %ld points, one in %ld (seed %" PRIu64 "); %ld calls were settled by a lookup\n", counted[0], one_in,
        seed, counted[1]);
    return 0;
}
