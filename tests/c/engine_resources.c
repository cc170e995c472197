/* What a host can count: descriptors after a burst, threads, stack, and that clients alone cost none of it. */
#include "files.h"
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

enum { THREADS = 32, EACH = 8 };
static mmx_client *client;
static pthread_barrier_t together;

static int entries(const char *folder) {
    DIR *directory = opendir(folder);
    int count = 0;
    while (readdir(directory)) count++;
    closedir(directory);
    return count - 3; /* . and .. and, of descriptors, the folder's own */
}

static int descriptors(void) { return entries("/proc/self/fd"); }
static int threads(void) { return entries("/proc/self/task") + 1; }

/* Making clients starts no thread and reads no certificate: opening this FIFO would wait for ever. */
static void clients_alone(void) {
    char folder[] = "/tmp/mmx-test-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    char *fifo = format("%s/certificates.pem", folder);
    CHECK_INT(mkfifo(fifo, 0600), 0);
    setenv("SSL_CERT_FILE", fifo, 1);
    alarm(60);
    account("clients-alone", 1);
    int before = descriptors();
    mmx_client *clients[100];
    for (int i = 0; i < 100; i++) {
        mmx_config *config = mmx_config_new();
        CHECK_INT(mmx_config_set_api_key(config, "sk-api-none", NULL), MMX_OK);
        clients[i] = client_of(config);
    }
    mmx_client *plain = client_for("clients-alone", false);
    CHECK_INT(threads(), 1);
    CHECK_INT(descriptors(), before);
    assert_deletes(plain, 1); /* http:// needs no certificates either */
    CHECK_INT(threads(), 1);
    for (int i = 0; i < 100; i++) mmx_client_free(clients[i]);
    mmx_client_free(plain);
    unsetenv("SSL_CERT_FILE");
    unlink(fifo);
    rmdir(folder);
    free(fifo);
}

/* Whatever the call, however it ended, and however often it was sent. */
static void one_thread_after_any_call(bool https) {
    static const char *const faults[] = {"{}", "{\"code\": 2013}", "{\"close_before_answer\": \"rst\"}",
        "{\"hang\": true}", "{\"code\": 1013, \"headers\": {\"Retry-After\": \"0\"}}", "{\"shape\": \"garbage\"}"};
    static const mmx_file_ref files[] = {{1, "voice_clone"}, {2, "voice_clone"}, {3, "voice_clone"}};
    mmx_client *any = retrying_client_for("any-call", https);
    char *path = in_folder("any.mp3");
    write_file(path, "abc", 3);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        mmx_bulk_options many = MMX_BULK_OPTIONS_INIT;
        options.timeout_ms = many.call_timeout_ms = strstr(faults[i], "hang") ? 150 : 20000;
        for (int call = 0; call < 6; call++) {
            account("any-call", 9);
            script("any-call", faults[i]);
            if (call == 0) mmx_delete_file(any, 4, "voice_clone", &options, NULL, NULL);
            if (call == 1) mmx_list_files(any, NULL, &options, NULL, NULL);
            if (call == 2) mmx_retrieve_file(any, 4, &options, NULL, NULL);
            if (call == 3) mmx_upload_file(any, path, "voice_clone", &options, NULL, NULL);
            if (call == 4) mmx_download_file(any, 4, path, &options, NULL, NULL);
            if (call == 5) mmx_delete_files(any, files, 3, &many, NULL, NULL);
            CHECK_INT(threads(), 1);
        }
    }
    mmx_client_free(any);
    free(path);
}

/* A call is made by the thread that makes it: while one waits, its process has one thread. Looked at from outside. */
static void one_thread_in_a_call(bool https) {
    account("in-a-call", 1);
    script("in-a-call", "{\"hang\": true}");
    pid_t child = fork();
    if (child == 0) {
        assert_deletes(client_for("in-a-call", https), 1);
        _exit(1);
    }
    CHECK_INT(count_of("in-a-call", "wait?count=1"), 1);
    char *tasks = format("/proc/%d/task", (int)child);
    int count = entries(tasks) + 1;
    free(tasks);
    kill(child, SIGKILL);
    CHECK(waitpid(child, NULL, 0) == child);
    CHECK_INT(count, 1);
}

static void *burst(void *first) {
    pthread_barrier_wait(&together);
    for (int64_t id = *(const int64_t *)first, last = id + EACH; id < last; id++) assert_deletes(client, id);
    return NULL;
}

static void descriptors_after_a_burst(const char *name, bool https) {
    account(name, THREADS * EACH);
    script(name, "{\"times\": -1, \"delay_ms\": 20}"); /* so that all are in a call at once */
    client = client_for(name, https);
    int before = descriptors();
    pthread_t ids[THREADS];
    int64_t first[THREADS];
    pthread_barrier_init(&together, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        first[i] = 1 + i * EACH;
        CHECK_INT(pthread_create(&ids[i], NULL, burst, &first[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(ids[i], NULL);
    int after = descriptors();
    if (after - before > THREADS + 8) FAIL("%s: %d descriptors before the burst, %d after it", name, before, after);
    if (getenv("MMX_TEST_VERBOSE")) printf("%s: %d descriptors after the burst\n", name, after - before);
    CHECK_INT(count_of(name, "count?performed=1"), THREADS * EACH);
    mmx_client_free(client);
}

static void *with_little_stack(void *given) {
    (void)given;
    for (int https = 0; https < 2; https++) {
        const char *name = https ? "stack-tls" : "stack-http";
        mmx_client *mine = client_for(name, https);
        assert_deletes(mine, 1);
        assert_deletes(mine, 2);
        mmx_error *error = NULL;
        CHECK_INT(mmx_delete_file(mine, 1, "voice_clone", NULL, NULL, &error), MMX_ERROR_NOT_FOUND);
        char *json = mmx_error_json(error);
        mmx_string_free(json);
        mmx_error_free(error);
        mmx_client_free(mine);
    }
    return NULL;
}

static void stack(void) {
    pthread_attr_t attributes;
    pthread_t id;
    account("stack-http", 2);
    account("stack-tls", 2);
    pthread_attr_init(&attributes);
    CHECK_INT(pthread_attr_setstacksize(&attributes, ENOUGH_STACK), 0);
    CHECK_INT(pthread_create(&id, &attributes, with_little_stack, NULL), 0);
    pthread_join(id, NULL);
    pthread_attr_destroy(&attributes);
}

/* A look-up's thread ends by itself. */
static void one_thread_after_a_look_up(void) {
    account("look-up", 2);
    mmx_config *config = config_for("look-up", false);
    char *url = format("http://localhost:%s/t/look-up", strrchr(setting("MMX_TEST_HTTP"), ':') + 1);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    mmx_client *named = client_of(config);
    assert_deletes(named, 1);
    assert_deletes(named, 2);
    for (int64_t until = now_ms() + 5000; threads() > 1 && now_ms() < until;) usleep(1000);
    CHECK_INT(threads(), 1);
    mmx_client_free(named);
    free(url);
}

int main(void) {
    clients_alone();
    one_thread_after_any_call(false);
    one_thread_after_any_call(true);
    remove_folder();
    one_thread_after_a_look_up();
    one_thread_in_a_call(false);
    one_thread_in_a_call(true);
    stack();
    descriptors_after_a_burst("burst-http", false);
    descriptors_after_a_burst("burst-tls", true);
    return 0;
}
