/* Eight threads that upload, list, retrieve, download, delete, take and sweep through relays that end idle connections and
 * reset others, for the number of seconds that the first argument says. Prints a line each second: seconds, resident KiB,
 * descriptors, threads, calls, failed calls. `run.py` starts it and judges these. */
#include "../c/files.h"
#include "../c/retry.h"
#include "relay.h"

enum { THREADS = 8, PAUSE_MS = 10 };
static int ports[2];
static char *ledger;
static atomic_bool stop;
static atomic_long calls, failures;

static mmx_client *client_behind(int port, const char *account_name, bool https) {
    mmx_config *config = config_for(account_name, https);
    char *url = format("http%s://127.0.0.1:%d/t/%s", https ? "s" : "", port, account_name);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 0, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_ledger(config, ledger, NULL), MMX_OK);
    free(url);
    return client_of(config);
}

/* Whether the call succeeded. What fails on such a way fails of the way, never of the library. */
static bool is_done(mmx_status status, mmx_error **given) {
    mmx_error *error = *given;
    *given = NULL;
    atomic_fetch_add(&calls, 1);
    if (status != MMX_OK) {
        atomic_fetch_add(&failures, 1);
        if (status == MMX_ERROR_INTERNAL || status == MMX_ERROR_INVALID_ARGUMENT || status == MMX_ERROR_FILE)
            FAIL("%s: %s", mmx_status_name(status), mmx_error_message(error));
    }
    CHECK_INT(mmx_error_status(error), status);
    mmx_error_free(error);
    return status == MMX_OK;
}

/* Uploads a file that is due soon, and returns its id; 0 = the upload failed. */
static int64_t uploads(const mmx_client *client, uint64_t seed, int64_t size) {
    struct giver giver = {.seed = seed, .gives = size, .piece = 5000};
    mmx_source source = source_of(&giver, size);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.expires_after_s = 2;
    mmx_error *error = NULL;
    char *json = NULL, *name = format("%llu.mp3", (unsigned long long)seed);
    mmx_files *files = NULL;
    int64_t id = 0;
    if (is_done(mmx_upload_stream(client, &source, name, MMX_PURPOSE_VOICE_CLONE, &options, &json, &error), &error)) {
        CHECK_INT(mmx_files_parse(json, &files, NULL), MMX_OK);
        id = mmx_files_get(files, 0)->file_id;
        mmx_files_free(files);
    }
    mmx_string_free(json);
    free(name);
    return id;
}

static void sweeps(const mmx_client *client) {
    mmx_error *error = NULL;
    char *json = NULL;
    is_done(mmx_sweep(client, NULL, &json, &error), &error);
    mmx_string_free(json);
}

static void reads(const mmx_client *client, int64_t id, uint64_t seed, int64_t size, const char *target) {
    mmx_error *error = NULL;
    char *json = NULL;
    is_done(mmx_retrieve_file(client, id, NULL, &json, &error), &error);
    mmx_string_free(json);
    if (is_done(mmx_download_file(client, id, target, NULL, NULL, &error), &error)) {
        uint8_t *bytes = made_whole(seed, (size_t)size);
        assert_file_holds(target, bytes, (size_t)size);
        free(bytes);
    }
    json = NULL;
    is_done(mmx_list_files(client, MMX_PURPOSE_VOICE_CLONE, NULL, &json, &error), &error);
    mmx_string_free(json);
}

static void *works(void *given) {
    long number = (long)(intptr_t)given;
    char *name = format("soak-%ld", number), *target = format("%s/target-%ld", folder(), number);
    char *reset = format("/control/%s/journal_off", name);
    account(name, 0);
    free(control("POST", reset, NULL));
    any_file(name, true);
    mmx_client *client = client_behind(ports[number & 1], name, number & 1);
    unsigned random = (unsigned)number + 1;
    for (uint64_t round = 1; !atomic_load(&stop); round++) {
        uint64_t seed = ((uint64_t)number << 32) + round;
        int64_t size = 1 + rand_r(&random) % 60000, id = uploads(client, seed, size);
        mmx_error *error = NULL;
        char *json = NULL;
        if (id != 0) reads(client, id, seed, size, target);
        switch (rand_r(&random) % 4) {
        case 0:
            if (id != 0) is_done(mmx_delete_file(client, id, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, &error), &error);
            break;
        case 1:
            if (id != 0) is_done(mmx_take_file(client, id, NULL, target, NULL, NULL, &error), &error);
            break;
        case 2: {
            mmx_file_ref files[] = {{id, MMX_PURPOSE_VOICE_CLONE}, {uploads(client, seed + (1 << 30), 3), NULL}};
            if (id != 0 && files[1].file_id != 0)
                is_done(mmx_delete_files(client, files, LENGTH_OF(files), NULL, &json, &error), &error);
            break;
        }
        default: /* Left to the sweep. */ break;
        }
        mmx_string_free(json);
        if (round % 16 == 0) sweeps(client);
        if (round % 32 == 0) {
            mmx_client_free(client);
            client = client_behind(ports[number & 1], name, number & 1);
        }
        /* Now and then longer than the relay stands. */
        struct timespec pause = {0, PAUSE_MS * 1000000};
        if (round % 64 == 0) pause = (struct timespec){1, 200000000};
        nanosleep(&pause, NULL);
    }
    mmx_client_free(client);
    free(reset);
    free(target);
    free(name);
    return NULL;
}

static long resident_kib(void) {
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    CHECK(statm && fscanf(statm, "%*d %ld", &pages) == 1);
    fclose(statm);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int entries_of(const char *path) {
    int count = -2; /* . and .. */
    DIR *directory = opendir(path);
    while (directory && readdir(directory)) count++;
    if (directory) closedir(directory);
    return count;
}

int main(int count, char **arguments) {
    CHECK_INT(count, 2);
    /* Its file is flushed at each upload: in memory, or the disk would be what is measured. */
    setenv("TMPDIR", "/dev/shm", 1);
    ledger = in_folder("ledger.jsonl");
    ports[0] = relay_in_a_process(setting("MMX_TEST_HTTP"));
    ports[1] = relay_in_a_process(setting("MMX_TEST_HTTPS"));
    pthread_t threads[THREADS];
    for (intptr_t i = 0; i < THREADS; i++) CHECK_INT(pthread_create(&threads[i], NULL, works, (void *)i), 0);
    int64_t began = now_ms();
    for (long second = 1; second <= atol(arguments[1]); second++) {
        while (now_ms() < began + second * 1000) nanosleep(&(struct timespec){0, 20000000}, NULL);
        printf("%ld,%ld,%d,%d,%ld,%ld\n", second, resident_kib(), entries_of("/proc/self/fd"),
            entries_of("/proc/self/task"), atomic_load(&calls), atomic_load(&failures));
        fflush(stdout);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    remove_folder();
    free(ledger);
    return 0;
}
