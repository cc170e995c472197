/* A connection can break anywhere: at the look-up, the connect, the handshake, at any byte of the request or of its
 * answer. Whatever is certain of the file then is said, and what isn't is settled. */
#include "relay.h"
#include "retry.h"
#include <dlfcn.h>
#include <netdb.h>

static atomic_int look_ups;

/* Stands in front of libc's: no name server is asked. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (!strstr(node, ".invalid")) return real(node, service, hints, found);
    atomic_fetch_add(&look_ups, 1);
    return EAI_AGAIN;
}

/* Four attempts, and none got as far as to send anything. */
static void not_sent(const char *url, const char *said) {
    mmx_config *config = config_for("phases-not-sent", false);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_allow_insecure(config, true, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 0, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    mmx_error *error = NULL;
    CHECK_INT(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), MMX_ERROR_CONNECT);
    CHECK_HAS(mmx_error_message(error), said);
    CHECK_HAS(mmx_error_message(error), "(the last of 4 attempts)");
    CHECK(!strstr(mmx_error_message(error), "may or may not"));
    CHECK_INT(mmx_error_attempts(error), 4);
    CHECK(!mmx_error_is_ambiguous(error));
    mmx_error_free(error);
    mmx_client_free(client);
}

enum { LOOK_UP, REFUSED, REFUSED_TLS, KINDS };

static void no_connection(size_t kind) {
    char *refused = format("127.0.0.1:%d", closed_port()),
         *url = format("http%s://%s", kind == REFUSED_TLS ? "s" : "", refused);
    if (kind == LOOK_UP) not_sent("http://nobody.invalid", "nobody.invalid");
    else not_sent(url, refused);
    free(url);
    free(refused);
}

/* Connections that are closed as soon as they are there. Over TLS nothing can have been sent; over HTTP the request may
 * have been on its way, but retrieve tells. */
static void closed_at_once(size_t which) {
    bool https = which & 1, reset = which & 2, always = which & 4;
    char *name = format("phases-closed-%zu", which);
    struct relay *relay = relay_to(https, always ? 4 : 3, 0, -1, reset);
    account(name, 1);
    mmx_config *config = config_behind(relay, name, https);
    CHECK_INT(mmx_config_set_max_attempts(config, 0, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    mmx_error *error = NULL;
    mmx_status status = mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error);
    if (always) {
        if (https) CHECK_INT(status, MMX_ERROR_CONNECT);
        else CHECK(status == MMX_ERROR_CONNECT || status == MMX_ERROR_NETWORK);
        CHECK_INT(mmx_error_attempts(error), 4);
        CHECK(!mmx_error_is_ambiguous(error));
    } else if (status != MMX_OK) {
        FAIL("%s: %s", name, mmx_error_message(error));
    }
    CHECK_INT(requests(name, "delete"), !always);
    CHECK_INT(count_of(name, "count?call=delete&performed=1"), !always);
    CHECK_INT(holds_file(name, 1), always);
    mmx_error_free(error);
    mmx_client_free(client);
    relay_ends(relay);
    free(name);
}

static void before_anything(size_t which) {
    if (which < KINDS) no_connection(which);
    else closed_at_once(which - KINDS);
}

/* Every place of a delete's way: after so many bytes of the request or of the answer, over each protocol. */
struct place {
    bool https, down, reset;
    long after;
};
static struct place places[2000];
static size_t count_of_places;
static atomic_int seen[2][2]; /* by protocol: how often one attempt broke for certain, and in doubt */

static void find_places(bool https, long step) {
    const char *name = https ? "phases-https" : "phases-http";
    struct relay *relay = relay_to(https, 0, -1, -1, false);
    account(name, 4000);
    mmx_client *client = client_of(config_behind(relay, name, https));
    assert_deletes(client, 4000);
    mmx_client_free(client);
    relay_ends(relay);
    for (int down = 0; down < 2; down++) {
        long whole = atomic_load(down ? &relay->passed_down : &relay->passed_up);
        CHECK(whole > 100);
        for (long after = 0; after < whole; after += step)
            for (int reset = 0; reset < 2; reset++)
                places[count_of_places++] = (struct place){https, down, reset, after};
    }
    CHECK(count_of_places <= LENGTH_OF(places) / 2);
}

/* A delete whose first connection breaks there. */
static mmx_status broken(const struct place *place, int32_t max_attempts, int64_t file_id, mmx_error **error) {
    struct relay *relay =
        relay_to(place->https, 1, place->down ? -1 : place->after, place->down ? place->after : -1, place->reset);
    mmx_config *config = config_behind(relay, place->https ? "phases-https" : "phases-http", place->https);
    CHECK_INT(mmx_config_set_max_attempts(config, max_attempts, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    mmx_status status = mmx_delete_file(client, file_id, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, error);
    mmx_client_free(client);
    relay_ends(relay);
    return status;
}

static long carried_out(bool https, int64_t file_id) {
    char *what = format("count?call=delete&performed=1&file_id=%" PRId64, file_id);
    long count = count_of(https ? "phases-https" : "phases-http", what);
    free(what);
    return count;
}

static void breaks_at(size_t number) {
    const struct place *place = &places[number];
    int64_t once = 2 * (int64_t)number + 1, again = once + 1;
    mmx_error *error = NULL;
    mmx_status status = broken(place, 1, once, &error);
    bool in_doubt = mmx_error_is_ambiguous(error);
    if (status != MMX_OK && !in_doubt && carried_out(place->https, once)) {
        FAIL("%s, %ld bytes %s: it is gone: %s", place->https ? "HTTPS" : "HTTP", place->after,
            place->down ? "down" : "up", mmx_error_message(error));
    }
    if (status == MMX_OK) CHECK_INT(carried_out(place->https, once), 1);
    else atomic_fetch_add(&seen[place->https][in_doubt], 1);
    if (status != MMX_OK) CHECK_INT(status, in_doubt ? MMX_ERROR_NETWORK : MMX_ERROR_CONNECT);
    mmx_error_free(error);

    error = NULL;
    if (broken(place, 0, again, &error) != MMX_OK) FAIL("%ld bytes: %s", place->after, mmx_error_message(error));
    CHECK_INT(carried_out(place->https, again), 1);
}

/* Takes a request, and is gone. */
static void *takes_one(void *given) {
    int listener = *(int *)given, connection = accept(listener, NULL, NULL);
    char request[4096];
    CHECK(connection >= 0 && recv(connection, request, sizeof request, 0) > 0);
    close(listener);
    close(connection);
    return NULL;
}

/* The request was sent once: no later attempt, which finds nobody, makes that a status that says that nothing was. */
static void gone_after_a_request(void) {
    pthread_t server;
    int listener = socket_at_a_port(4);
    char *url = format("http://127.0.0.1:%d", port_of(listener));
    mmx_config *config = config_for("phases-gone", false);
    mmx_error *error = NULL;
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 3, NULL), MMX_OK);
    mmx_client *client = client_of(config);
    CHECK_INT(pthread_create(&server, NULL, takes_one, &listener), 0);
    CHECK_INT(mmx_delete_file(client, 1, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), MMX_ERROR_NETWORK);
    CHECK(mmx_error_is_ambiguous(error));
    CHECK_HAS(mmx_error_message(error), "could not connect to 127.0.0.1");
    pthread_join(server, NULL);
    mmx_error_free(error);
    mmx_client_free(client);
    free(url);
}

int main(void) {
    gone_after_a_request();
    at_once(before_anything, KINDS + 8);
    CHECK_INT(look_ups, 4);
    find_places(false, 16);
    find_places(true, 60);
    at_once(breaks_at, count_of_places);
    CHECK(seen[false][true] > 10 && seen[true][true] > 10 && seen[true][false] > 10);
    return 0;
}
