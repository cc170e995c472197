/* Proxies of the environment: read in mmx_config_new() alone, for everything but this machine and what NO_PROXY says. */
#include "proxies.h"
#include <dlfcn.h>
#include <netdb.h>
#include <sys/wait.h>

static const char NAME[] = "proxy-environment";
static int looked_up;

/* Stands in front of libc's: a host of another machine, which leads to this one after all. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (strcmp(node, "other.example") != 0) return real(node, service, hints, found);
    __atomic_add_fetch(&looked_up, 1, __ATOMIC_SEQ_CST);
    return real("127.0.0.1", service, hints, found);
}

/* Called in the configuration that the environment makes: an account at other.example. */
static mmx_config *config_elsewhere(bool https) {
    const char *listener = setting(https ? "MMX_TEST_HTTPS_WRONG_HOST" : "MMX_TEST_HTTP");
    char *url = format("%s://other.example:%s/t/%s", https ? "https" : "http", strrchr(listener, ':') + 1, NAME);
    mmx_config *config = config_for(NAME, https);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_allow_insecure(config, true, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 1, NULL), MMX_OK);
    free(url);
    return config;
}

/* In a process of its own, whose environment these words are: "NAME=value", NULL at the end. */
static void in_environment(void (*test)(const char *), const char *proxy, const char *const *words) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        for (; *words; words++) {
            char *name = format("%.*s", (int)strcspn(*words, "="), *words);
            const char *value = strchr(*words, '=') + 1;
            char *port = strstr(value, "PORT");
            char *with_port = port ? format("%.*s%s", (int)(port - value), value,
                                         strrchr(setting("MMX_TEST_HTTPS_WRONG_HOST"), ':') + 1)
                                   : NULL;
            if (with_port) value = with_port;
            setenv(name, strcmp(value, "PROXY") == 0 ? proxy : value, 1);
            free(with_port);
            free(name);
        }
        test(proxy);
        _exit(0);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) FAIL("the child ended with %#x", (unsigned)status);
}

static void one_delete(bool https, int through) {
    account(NAME, 1);
    mmx_config *config = config_elsewhere(https);
    assert_deletes_with(config, 1);
    assert_proxy_asked(NAME, through,
        https ? "\"method\":\"CONNECT\",\"target\":\"other.example:"
              : "\"method\":\"POST\",\"target\":\"http://other.example:");
    /* A name is the proxy's to look up. */
    CHECK_INT(looked_up > 0, !through);
    CHECK_INT(count_of(NAME, "count?performed=1"), 1);
    mmx_config_free(config);
}

static void https_through(const char *proxy) { (void)proxy, one_delete(true, 1); }
static void http_through(const char *proxy) { (void)proxy, one_delete(false, 1); }
static void https_straight(const char *proxy) { (void)proxy, one_delete(true, 0); }
static void http_straight(const char *proxy) { (void)proxy, one_delete(false, 0); }

static void which_variable(void) {
    static const struct {
        void (*test)(const char *);
        const char *words[4];
    } table[] = {
        {https_through, {"HTTPS_PROXY=PROXY"}},
        {https_through, {"https_proxy=PROXY", "HTTPS_PROXY=http://127.0.0.1:1"}},
        {https_through, {"https_proxy=", "HTTPS_PROXY=PROXY"}},
        {https_through, {"ALL_PROXY=PROXY"}},
        {https_through, {"all_proxy=PROXY", "ALL_PROXY=http://127.0.0.1:1"}},
        {https_through, {"HTTPS_PROXY=PROXY", "all_proxy=http://127.0.0.1:1"}},
        {https_straight, {"HTTP_PROXY=http://127.0.0.1:1", "http_proxy=socks5://127.0.0.1:1"}},
        {http_through, {"http_proxy=PROXY"}},
        {http_through, {"HTTP_PROXY=PROXY"}},
        {http_through, {"HTTPS_PROXY=http://127.0.0.1:1", "ALL_PROXY=PROXY"}},
        {http_straight, {"HTTPS_PROXY=http://127.0.0.1:1"}},
        /* As a web server would set it for whoever asks. */
        {http_straight, {"REQUEST_METHOD=GET", "HTTP_PROXY=http://127.0.0.1:1"}},
        {http_through, {"REQUEST_METHOD=GET", "http_proxy=PROXY"}},
        {https_straight, {"HTTPS_PROXY=PROXY", "NO_PROXY=other.example"}},
        {https_straight, {"HTTPS_PROXY=PROXY", "no_proxy=10.0.0.0/8, .example", "NO_PROXY=none"}},
        {http_straight, {"HTTP_PROXY=PROXY", "NO_PROXY=*"}},
        {https_straight, {"HTTPS_PROXY=PROXY", "NO_PROXY=*.example"}},
        {https_straight, {"HTTPS_PROXY=PROXY", "NO_PROXY=[::1], .other.example 10.0.0.0/8"}},
        {https_straight, {"HTTPS_PROXY=PROXY", "NO_PROXY=other.example:PORT"}},
        {https_through, {"HTTPS_PROXY=PROXY", "NO_PROXY=other.example:443"}},
        {https_through, {"HTTPS_PROXY=PROXY", "NO_PROXY=another.example,example.other"}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *proxy = proxy_with(NAME, "{}");
        in_environment(table[i].test, proxy, table[i].words);
        free(proxy);
    }
}

/* Asked twice, https and http: this machine is reached directly, and the download's store is, too. */
static void this_machine(const char *proxy) {
    (void)proxy;
    for (int https = 0; https < 2; https++) {
        account(NAME, 1);
        mmx_config *config = config_for(NAME, https);
        assert_deletes_with(config, 1);
        mmx_config_free(config);
    }
    assert_proxy_asked(NAME, 0, "method");
}

/* The setter has the last word, and takes it back. */
static void a_setter_wins(const char *proxy) {
    account(NAME, 9);
    mmx_config *config = config_elsewhere(true);
    CHECK_INT(mmx_config_set_proxy(config, "none", NULL), MMX_OK);
    assert_deletes_with(config, 1);
    assert_proxy_asked(NAME, 0, "method");
    CHECK_INT(mmx_config_set_proxy(config, "http://127.0.0.1:1", NULL), MMX_OK);
    assert_proxy_fails(config, MMX_ERROR_CONNECT, "://127.0.0.1:1", "could not connect to the proxy", "127.0.0.1:1");
    CHECK_INT(mmx_config_set_proxy(config, "socks5://127.0.0.1:1", NULL), MMX_ERROR_INVALID_ARGUMENT);
    assert_proxy_fails(config, MMX_ERROR_CONNECT, "://127.0.0.1:1", "could not connect to the proxy", "127.0.0.1:1");
    static const char *const defaults[] = {NULL, ""};
    for (int i = 0; i < 2; i++) {
        CHECK_INT(mmx_config_set_proxy(config, defaults[i], NULL), MMX_OK);
        assert_deletes_with(config, 2 + i);
        /* Clients with the same settings share their tunnel. */
        assert_proxy_asked(NAME, 1, "CONNECT");
        CHECK_INT(mmx_config_set_proxy(config, "none", NULL), MMX_OK);
    }
    /* NO_PROXY is the environment's: one that is set is for everything. */
    CHECK_INT(mmx_config_set_proxy(config, proxy, NULL), MMX_OK);
    assert_deletes_with(config, 4);
    assert_proxy_asked(NAME, 2, "CONNECT");
    mmx_config_free(config);
}

/* What comes into the environment later, or goes, changes nothing. */
static void later(const char *proxy) {
    account(NAME, 9);
    mmx_config *config = config_elsewhere(true);
    unsetenv("HTTPS_PROXY");
    setenv("NO_PROXY", "*", 1);
    assert_deletes_with(config, 1);
    assert_proxy_asked(NAME, 1, "CONNECT");
    mmx_config_free(config);
    mmx_config *direct = config_elsewhere(true);
    unsetenv("NO_PROXY");
    setenv("HTTPS_PROXY", proxy, 1);
    mmx_client *client = client_of(direct);
    assert_deletes(client, 2);
    assert_proxy_asked(NAME, 1, "CONNECT");
    mmx_client_free(client);
}

/* Said when a client is made, with the variable and without the value. */
static void bad_value(const char *proxy) {
    (void)proxy;
    static const struct {
        const char *variable, *value, *why;
    } bad[] = {
        {"HTTPS_PROXY", "ftp://secret@a",
            "must begin with http:// or https:// and name a host, as http://host:port does (from HTTPS_PROXY)"},
        {"all_proxy", "socks5://secret@127.0.0.1:1",
            "is a SOCKS proxy, which can't be used: name an HTTP proxy, as http://host:port (from all_proxy)"},
        {"https_proxy", "http://ann:se/cret@a", "(from https_proxy)"},
        {"HTTPS_PROXY", "http://secret\xff", "(from HTTPS_PROXY)"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv(bad[i].variable, bad[i].value, 1);
        mmx_config *config = config_elsewhere(true);
        mmx_client *client = FILLED;
        mmx_error *error = FILLED;
        CHECK_INT(mmx_client_new(config, &client, &error), MMX_ERROR_INVALID_ARGUMENT);
        CHECK(!strstr(mmx_error_message(error), "cret"));
        mmx_error_free(error);
        REFUSES(mmx_client_new(config, &client, &error), error, "proxy", bad[i].why);
        CHECK_INT(mmx_config_set_proxy(config, "none", NULL), MMX_OK);
        mmx_client_free(client_from(config));
        mmx_config_free(config);
        unsetenv(bad[i].variable);
    }
}

static void note(void *user_data, int32_t level, const char *line) {
    char *notes = user_data;
    CHECK_INT(level, MMX_LOG_WARN);
    CHECK(strlen(notes) + strlen(line) < 1000);
    strcat(notes, line);
}

/* Said in the log when a client is made, once for each; the rest counts. */
static void entries_that_can_not_be_read(const char *proxy) {
    (void)proxy;
    char notes[1000] = "";
    account(NAME, 1);
    mmx_config *config = config_elsewhere(true);
    CHECK_INT(mmx_config_set_logger(config, note, notes, MMX_LOG_INFO, NULL), MMX_OK);
    assert_deletes_with(config, 1);
    assert_proxy_asked(NAME, 0, "method");
    CHECK_HAS(notes, "\"event\":\"no_proxy_unreadable\"");
    CHECK_HAS(notes, "\"call\":\"client_new\"");
    CHECK_HAS(notes, "\"entry\":\"10.0.0.0/99\"");
    CHECK_HAS(notes, "\"entry\":\"http://x\"");
    CHECK(!strstr(notes, "other.example"));
    mmx_config_free(config);
}

/* An error names the variable to look at. */
static void named(const char *proxy) {
    mmx_config *config = config_elsewhere(true);
    assert_proxy_fails(config, MMX_ERROR_CONNECT, proxy, "wants a user name and a password", "in HTTPS_PROXY");
    mmx_config_free(config);
    proxy = proxy_with(NAME, "{\"refuse\": 403}");
    setenv("HTTPS_PROXY", proxy, 1);
    config = config_elsewhere(true);
    assert_proxy_fails(
        config, MMX_ERROR_CONNECT, proxy, "made no connection to other.example:", "NO_PROXY or mmx_config_set_proxy()");
    mmx_config_free(config);
}

int main(void) {
    which_variable();
    char *proxy = proxy_with(NAME, "{}");
    in_environment(
        this_machine, proxy, (const char *const[]){"HTTPS_PROXY=PROXY", "HTTP_PROXY=PROXY", "ALL_PROXY=PROXY", NULL});
    in_environment(a_setter_wins, proxy, (const char *const[]){"HTTPS_PROXY=PROXY", NULL});
    free(proxy);
    proxy = proxy_with(NAME, "{}");
    in_environment(later, proxy, (const char *const[]){"HTTPS_PROXY=PROXY", NULL});
    free(proxy);
    proxy = proxy_with(NAME, "{}");
    in_environment(entries_that_can_not_be_read, proxy,
        (const char *const[]){"HTTPS_PROXY=PROXY", "NO_PROXY=10.0.0.0/99,other.example http://x", NULL});
    in_environment(bad_value, proxy, (const char *const[]){NULL});
    free(proxy);
    proxy = proxy_with(NAME, "{\"credentials\": \"ann:secret\"}");
    in_environment(named, proxy, (const char *const[]){"HTTPS_PROXY=PROXY", NULL});
    free(proxy);
    return 0;
}
