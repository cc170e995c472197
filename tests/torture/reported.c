/* Reports of single functions of libc that fail: status, errno, words, and what is sent again. Runs with preload.c before
 * libc. */
#include "contract.h"
#include "inject.h"
#include "retry.h"
#include <errno.h>
#include <netdb.h>
#include <sys/wait.h>

static const char NAME[] = "reported";
enum { FILE_ID = 7 };

/* A client that looks a name up and keeps no connection of the one before. */
static mmx_client *client_of_attempts(int32_t attempts) {
    static int64_t unlike = 5000;
    mmx_config *config = config_for(NAME, false);
    char *url = format("http://localhost%s/t/%s", strrchr(setting("MMX_TEST_HTTP"), ':'), NAME);
    account(NAME, 9);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, attempts, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_connect_timeout_ms(config, unlike++, NULL), MMX_OK);
    free(url);
    return client_of(config);
}

/* Nor has it a name that is remembered: that of a process is forgotten in its child. */
#define APART(...)                                                                                                     \
    do {                                                                                                               \
        pid_t child = fork();                                                                                          \
        int status;                                                                                                    \
        if (child == 0) {                                                                                              \
            __VA_ARGS__;                                                                                               \
            _exit(0);                                                                                                  \
        }                                                                                                              \
        CHECK(waitpid(child, &status, 0) == child);                                                                    \
        if (status != 0) exit(1);                                                                                      \
    } while (0)

/* A lookup may be over before it is waited for, so that a call does without: it is made until it comes to the failure. */
#define UNTIL_FAILED(...)                                                                                              \
    do {                                                                                                               \
        int tries = 0;                                                                                                 \
        do {                                                                                                           \
            if (tries++ == 200) FAIL("no failure comes about: %s", #__VA_ARGS__);                                      \
            APART(__VA_ARGS__);                                                                                        \
        } while (!atomic_load(&injected->is_done));                                                                    \
    } while (0)

enum request { DELETES, READS };

struct expected {
    enum request request;
    enum function function;
    long nth;
    int error;
    mmx_status status;
    bool is_ambiguous;
    int error_number;
    const char *words;
};

static mmx_status make(const mmx_client *client, enum request kind, mmx_error **error) {
    return kind == READS ? mmx_retrieve_file(client, FILE_ID, NULL, NULL, error)
                         : mmx_delete_file(client, FILE_ID, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, error);
}

static void is_reported(const struct expected *expected) {
    mmx_client *client = client_of_attempts(1);
    mmx_error *error = NULL;
    inject(expected->function, expected->nth, expected->error);
    arm();
    mmx_status status = make(client, expected->request, &error);
    disarm();
    const char *message = mmx_error_message(error);
    if (!atomic_load(&injected->is_done)) {
        CHECK_INT(status, MMX_OK);
    } else if (status != expected->status || !strstr(message, expected->words) || strstr(message, "os error") ||
               mmx_error_is_ambiguous(error) != expected->is_ambiguous ||
               mmx_error_errno(error) != expected->error_number) {
        FAIL("function %d, error %d: %s, ambiguous %d, errno %d: %s", (int)expected->function, expected->error,
            mmx_status_name(status), mmx_error_is_ambiguous(error), mmx_error_errno(error), message);
    }
    mmx_error_free(error);
    mmx_client_free(client);
}

static const struct expected reports[] = {
    /* An errno that no socket should give is a broken connection all the same. */
    {DELETES, F_recv, 2, EINVAL, MMX_ERROR_NETWORK, true, 0, "the connection broke while"},
    {READS, F_recv, 2, EINVAL, MMX_ERROR_NETWORK, false, 0, "the connection broke while"},
    {DELETES, F_sendmsg, 1, EINVAL, MMX_ERROR_CONNECT, false, 0, "the connection broke while"},
    /* This machine refuses something: the errno says what. */
    {DELETES, F_getaddrinfo, 1, EMFILE, MMX_ERROR_CONNECT, false, EMFILE, "localhost: too many open files; is the"},
    {DELETES, F_getaddrinfo, 1, ENFILE, MMX_ERROR_CONNECT, false, ENFILE, "limit of open files (ulimit -n)"},
    {DELETES, F_getaddrinfo, 1, ENOMEM, MMX_ERROR_CONNECT, false, ENOMEM, "this machine is out of memory"},
    {DELETES, F_getaddrinfo, 1, EAI_NONAME, MMX_ERROR_CONNECT, false, 0, "localhost: Name or service not known; check"},
    {DELETES, F_pthread_create, 1, EAGAIN, MMX_ERROR_CONNECT, false, EAGAIN, "limit of threads (ulimit -u)"},
    {DELETES, F_pthread_create, 1, EPERM, MMX_ERROR_CONNECT, false, EPERM, "no thread for the lookup of localhost"},
    {DELETES, F_socket, 1, EMFILE, MMX_ERROR_CONNECT, false, EMFILE, "ulimit -n"},
    {DELETES, F_socket, 1, ENOBUFS, MMX_ERROR_CONNECT, false, ENOBUFS, "out of memory"},
    {DELETES, F_eventfd, 1, EMFILE, MMX_ERROR_CONNECT, false, EMFILE, "ulimit -n"},
    {DELETES, F_eventfd, 1, ENOMEM, MMX_ERROR_CONNECT, false, ENOMEM, "out of memory"},
    {DELETES, F_ppoll, 1, ENOMEM, MMX_ERROR_CONNECT, false, ENOMEM, "out of memory"},
    /* It waits for the lookup, the connection, the response. */
    {DELETES, F_ppoll, 3, ENOMEM, MMX_ERROR_NETWORK, true, ENOMEM, "out of memory"},
    {READS, F_ppoll, 3, ENOMEM, MMX_ERROR_NETWORK, false, ENOMEM, "out of memory"},
    /* Only a bug of the library would give it. */
    {READS, F_ppoll, 1, EFAULT, MMX_ERROR_INTERNAL, false, EFAULT, "nothing can be waited for"},
};

/* What fails once goes well the next time, and is sent no oftener than that. */
static void is_sent_again(enum request kind, enum function function, long nth, int error, long sent) {
    mmx_client *client = client_of_attempts(3);
    mmx_error *failure = NULL;
    inject(function, nth, error);
    arm();
    mmx_status status = make(client, kind, &failure);
    disarm();
    if (status != MMX_OK) FAIL("function %d, error %d: %s", (int)function, error, mmx_error_message(failure));
    CHECK(atomic_load(&injected->is_done));
    CHECK_INT(atomic_load(&injected->counts[function]) > nth, true);
    CHECK_INT(requests(NAME, kind == READS ? "retrieve" : "delete"), sent);
    mmx_client_free(client);
}

/* A file of it was under way: its status is not the one that says that nothing was sent. */
static void a_bulk_delete_that_can_not_wait(void) {
    static const mmx_file_ref files[] = {{FILE_ID, MMX_PURPOSE_VOICE_CLONE}};
    mmx_client *client = client_of_attempts(1);
    mmx_error *error = NULL;
    inject(F_ppoll, 3, ENOMEM);
    arm();
    mmx_status status = mmx_delete_files(client, files, 1, NULL, NULL, &error);
    disarm();
    if (!atomic_load(&injected->is_done)) CHECK_INT(status, MMX_OK);
    else if (status != MMX_ERROR_NETWORK || mmx_error_errno(error) != ENOMEM)
        FAIL("%s, errno %d: %s", mmx_status_name(status), mmx_error_errno(error), mmx_error_message(error));
    mmx_error_free(error);
    mmx_client_free(client);
}

/* Wherever a call with retries can't wait any more: the status that says that nothing was sent is true. */
static void a_status_that_is_true(long nth) {
    static const mmx_file_ref files[] = {{FILE_ID, MMX_PURPOSE_VOICE_CLONE}, {8, MMX_PURPOSE_VOICE_CLONE}};
    for (int is_bulk = 0; is_bulk < 2; is_bulk++) {
        mmx_client *client = client_of_attempts(3);
        mmx_error *error = NULL;
        faults(NAME, "{'call':'delete','cut_after':30}");
        inject(F_ppoll, nth, ENOMEM);
        arm();
        mmx_status status =
            is_bulk ? mmx_delete_files(client, files, 2, NULL, NULL, &error) : make(client, DELETES, &error);
        disarm();
        bool was_sent = requests(NAME, "delete") > 0, says_not_sent = status == MMX_ERROR_CONNECT;
        if (status == MMX_ERROR_INTERNAL || (says_not_sent && (was_sent || mmx_error_is_ambiguous(error))))
            FAIL("ppoll %ld, bulk %d: %s, ambiguous %d: %s", nth, is_bulk, mmx_status_name(status),
                mmx_error_is_ambiguous(error), mmx_error_message(error));
        mmx_error_free(error);
        mmx_client_free(client);
    }
}

static void a_token_without_a_descriptor(void) {
    static const int errors[] = {EMFILE, ENFILE, ENOMEM};
    for (size_t i = 0; i < LENGTH_OF(errors); i++) {
        mmx_cancel *cancel = NULL;
        mmx_error *error = NULL;
        inject(F_eventfd, 1, errors[i]);
        arm();
        mmx_status status = mmx_cancel_new(&cancel, &error);
        disarm();
        CHECK_INT(status, MMX_ERROR_INTERNAL);
        CHECK(cancel == NULL);
        CHECK_INT(mmx_error_errno(error), errors[i]);
        mmx_error_free(error);
    }
}

/* A signal at the wrong moment: the lookup's thread still wakes the call. */
static void a_wake_up_is_not_lost(void) {
    mmx_client *client = client_of_attempts(1);
    inject(F_write, 1, EINTR);
    arm();
    mmx_status status = make(client, READS, NULL);
    disarm();
    CHECK_INT(status, MMX_OK);
    mmx_client_free(client);
}

int main(void) {
    static const int lookups[] = {EAI_AGAIN, EAI_FAIL, EAI_MEMORY, EAI_NONAME, EMFILE};
    share_faults();
    for (size_t i = 0; i < LENGTH_OF(reports); i++) UNTIL_FAILED(is_reported(&reports[i]));
    APART(is_sent_again(READS, F_recv, 2, EINVAL, 2));
    APART(is_sent_again(DELETES, F_recv, 2, EINVAL, 2));
    for (size_t i = 0; i < LENGTH_OF(lookups); i++) APART(is_sent_again(DELETES, F_getaddrinfo, 1, lookups[i], 1));
    APART(is_sent_again(DELETES, F_pthread_create, 1, EAGAIN, 1));
    APART(is_sent_again(READS, F_socket, 1, EMFILE, 1));
    UNTIL_FAILED(a_bulk_delete_that_can_not_wait());
    for (long nth = 1; nth <= 12; nth++) APART(a_status_that_is_true(nth));
    APART(a_token_without_a_descriptor());
    UNTIL_FAILED(a_wake_up_is_not_lost());
    return 0;
}
