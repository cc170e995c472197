/* A proxy that is set: everything goes through it, the key never in the clear, and what goes wrong with it is told as
 * its fault and nobody else's. */
#include "files.h"
#include "ports.h"
#include "proxies.h"
#include <netdb.h>

static const char NAME[] = "proxy";

/* Stands in front of libc's: no name has an address. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    (void)node, (void)service, (void)hints, (void)found;
    return EAI_NONAME;
}

/* An account with the files 1 to 9, through a proxy; one request a call. */
static mmx_config *config_through(const char *proxy, bool https) {
    mmx_config *config = config_for(NAME, https);
    mmx_error *error = NULL;
    account(NAME, 9);
    if (mmx_config_set_proxy(config, proxy, &error) != MMX_OK) FAIL("%s", mmx_error_message(error));
    CHECK_INT(mmx_config_set_max_attempts(config, 1, NULL), MMX_OK);
    return config;
}

/* TLS in a tunnel, or the request as it is; also to a proxy that is itself spoken to over TLS. */
static void everything_goes_through_it(void) {
    for (int way = 0; way < 4; way++) {
        bool https = way % 2, proxy_https = way / 2;
        char *proxy = proxy_with(NAME, proxy_https ? "{\"tls\": true}" : "{}");
        mmx_config *config = config_through(proxy, https);
        if (proxy_https) CHECK_INT(mmx_config_set_ca_file(config, setting("MMX_TEST_CA"), NULL), MMX_OK);
        mmx_client *client = client_of(config);
        for (int64_t id = 1; id <= 5; id++) assert_deletes(client, id);
        CHECK_INT(count_of(NAME, "count?performed=1"), 5);
        /* One tunnel serves all; the key is in none of what the proxy can read of it. */
        if (https) assert_proxy_asked(NAME, 1, "\"method\":\"CONNECT\",\"target\":\"127.0.0.1:");
        if (https) assert_proxy_asked(NAME, 1, "\"authorization\":false,\"tls\":true");
        if (!https) assert_proxy_asked(NAME, 5, "\"method\":\"POST\",\"target\":\"http://127.0.0.1:");
        assert_journal_has(NAME, "\"path\":\"/v1/files/delete\"", true);
        assert_journal_has(NAME, "proxy-authorization", false);
        mmx_client_free(client);
        free(proxy);
    }
}

/* An upload, and a download whose link leads to another host. */
static void transfers(void) {
    enum { SIZE = 3 << 20 };
    for (int https = 0; https < 2; https++) {
        char *proxy = proxy_with(NAME, "{}"), *path = in_folder("content.mp3"), *back = in_folder("back.mp3");
        uint8_t *content = made_whole(7, SIZE), *came = malloc(SIZE + 1);
        mmx_client *client = client_of(config_through(proxy, https));
        mmx_error *error = NULL;
        char *json = NULL;
        write_file(path, content, SIZE);
        if (mmx_upload_file(client, path, "voice_clone", NULL, &json, &error) != MMX_OK)
            FAIL("%s", mmx_error_message(error));
        int64_t id = atoll(strstr(json, "\"file_id\":") + strlen("\"file_id\":"));
        mmx_call_options options = MMX_CALL_OPTIONS_INIT;
        options.flags = MMX_CALL_VIA_DOWNLOAD_URL;
        if (mmx_download_file(client, id, back, &options, NULL, &error) != MMX_OK) FAIL("%s", mmx_error_message(error));
        int fd = open(back, O_RDONLY | O_CLOEXEC);
        CHECK(came && read(fd, came, SIZE + 1) == SIZE && memcmp(came, content, SIZE) == 0);
        close(fd);
        char *journal = asked_of(NAME);
        CHECK_HAS(journal, "127.0.0.2:");
        assert_journal_has(NAME, "\"leaked_key\":true", false);
        if (https) CHECK(!strstr(journal, "\"authorization\":true"));
        free(journal);
        /* A link that is http:// is asked for in a tunnel to the port of https all the same. */
        script(NAME, "{\"body\": "
                     "\"{\\\"file\\\":{\\\"file_id\\\":1,\\\"download_url\\\":\\\"http://store.example/"
                     "a?Signature=s\\\"},\\\"base_resp\\\":{\\\"status_code\\\":0}}\"}");
        options.max_attempts = 1;
        FAILS(mmx_download_file(client, 1, back, &options, NULL, &error), error, MMX_ERROR_CONNECT, "store.example:443",
            false);
        journal = asked_of(NAME);
        CHECK_HAS(journal, "\"target\":\"store.example:443\"");
        CHECK(!strstr(journal, "http://store.example") && !strstr(journal, "Signature=s"));
        free(journal);
        mmx_string_free(json);
        mmx_client_free(client);
        free(came);
        free(content);
        free(back);
        free(path);
        free(proxy);
    }
}

static void credentials(void) {
    for (int https = 0; https < 2; https++) {
        char *proxy = proxy_with(NAME, "{\"credentials\": \"ann:p@ss/secret\"}");
        char *right = with_credentials(proxy, "ann:p%40ss%2Fsecret"), *wrong = with_credentials(proxy, "ann:secret");
        mmx_config *config = config_through(right, https);
        assert_deletes_with(config, 1);
        assert_proxy_asked(NAME, 1, "\"proxy_authorization\":\"Basic YW5uOnBAc3Mvc2VjcmV0\"");
        assert_journal_has(NAME, "YW5uOnBAc3Mvc2VjcmV0", false);
        /* Clients whose credentials differ share no connection. */
        CHECK_INT(mmx_config_set_proxy(config, wrong, NULL), MMX_OK);
        assert_proxy_fails(config, MMX_ERROR_CONNECT, proxy, "does not accept the user name and password",
            "check mmx_config_set_proxy()");
        CHECK_INT(mmx_config_set_proxy(config, proxy, NULL), MMX_OK);
        assert_proxy_fails(
            config, MMX_ERROR_CONNECT, proxy, "wants a user name and a password", "http://user:password@127.0.0.1:");
        CHECK_INT(count_of(NAME, "count"), 1);
        mmx_config_free(config);
        free(wrong);
        free(right);
        free(proxy);
    }
}

/* What a proxy can do instead of its work. Nothing reaches the service. */
static void troubles(void) {
    static const struct {
        const char *settings, *https, *http;
    } table[] = {
        {"{\"refuse\": 403}", "made no connection to 127.0.0.1:", NULL},
        {"{\"refuse\": 502}", "made no connection to 127.0.0.1:", NULL},
        {"{\"refuse\": 407}", "wants a user name and a password", "wants a user name and a password"},
        {"{\"close\": true}", "gave no valid answer when asked to connect to 127.0.0.1:", NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *proxy = proxy_with(NAME, table[i].settings);
        mmx_config *config = config_through(proxy, true);
        assert_proxy_fails(config, MMX_ERROR_CONNECT, proxy, table[i].https, "mmx_config_set_proxy()");
        mmx_config_free(config);
        config = config_through(proxy, false);
        if (table[i].http)
            assert_proxy_fails(config, MMX_ERROR_CONNECT, proxy, table[i].http, "mmx_config_set_proxy()");
        CHECK_INT(count_of(NAME, "count"), 0);
        mmx_config_free(config);
        free(proxy);
    }
    /* One that can't be reached, one that is silent, and one that isn't a proxy. */
    for (int https = 0; https < 2; https++) {
        char *closed = format("http://127.0.0.1:%d", closed_port()),
             *silent = format("http://127.0.0.1:%d", silent_port());
        char *not_tls = format("https%s", setting("MMX_TEST_HTTP") + strlen("http"));
        mmx_config *config = config_through(closed, https);
        assert_proxy_fails(
            config, MMX_ERROR_CONNECT, closed, "could not connect to the proxy 127.0.0.1:", "connection refused");
        CHECK_INT(mmx_config_set_ca_file(config, setting("MMX_TEST_CA"), NULL), MMX_OK);
        CHECK_INT(mmx_config_set_proxy(config, not_tls, NULL), MMX_OK);
        assert_proxy_fails(
            config, MMX_ERROR_CONNECT, not_tls, "no secure connection to the proxy 127.0.0.1:", "does not speak TLS");
        CHECK_INT(mmx_config_set_proxy(config, setting("MMX_TEST_HTTPS_WRONG_HOST"), NULL), MMX_OK);
        assert_proxy_fails(config, MMX_ERROR_CONNECT, setting("MMX_TEST_HTTPS_WRONG_HOST"), "for another host",
            "check mmx_config_set_proxy()");
        CHECK_INT(mmx_config_set_proxy(config, "http://no-such-proxy.invalid", NULL), MMX_OK);
        CHECK_INT(mmx_config_set_allow_insecure(config, true, NULL), MMX_OK);
        assert_proxy_fails(
            config, MMX_ERROR_CONNECT, "://no-such-proxy.invalid", "no address found", "check mmx_config_set_proxy()");
        CHECK_INT(count_of(NAME, "count"), 0);
        if (https) {
            CHECK_INT(mmx_config_set_proxy(config, silent, NULL), MMX_OK);
            CHECK_INT(mmx_config_set_connect_timeout_ms(config, 150, NULL), MMX_OK);
            assert_proxy_fails(
                config, MMX_ERROR_TIMEOUT, silent, "through the proxy", "longer than 150 ms (the connect limit)");
            char *hangs = proxy_with(NAME, "{\"hang\": true}");
            CHECK_INT(mmx_config_set_proxy(config, hangs, NULL), MMX_OK);
            assert_proxy_fails(
                config, MMX_ERROR_TIMEOUT, hangs, "through the proxy", "longer than 150 ms (the connect limit)");
            assert_proxy_asked(NAME, 1, "\"status\":null");
            free(hangs);
        }
        mmx_config_free(config);
        free(not_tls);
        free(silent);
        free(closed);
    }
    /* Trouble with the server at the tunnel's end is the server's. */
    char *proxy = proxy_with(NAME, "{}"), *url = format("%s/t/proxy", setting("MMX_TEST_HTTPS_WRONG_HOST"));
    mmx_config *config = config_through(proxy, true);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    assert_proxy_fails(config, MMX_ERROR_CONNECT, proxy, "its certificate is for another host; check the base URL",
        "(through the proxy ");
    mmx_config_free(config);
    free(url);
    free(proxy);
}

static void bad_values(void) {
    static const char *const bad[][2] = {
        {"socks5://secret@127.0.0.1:1", "is a SOCKS proxy"},
        {"ftp://127.0.0.1", "must begin with http:// or https://"},
        {"http://", "is not a URL"},
        {"http://ann:sec/ret@127.0.0.1:1", "is not a URL"},
        {"http://127.0.0.1:1/secret", "must not hold a path"},
        {"http://127.0.0.1:1?secret", "must not hold a path"},
        {" http://127.0.0.1:1", "space"},
        {"http://127.0.0.1:1\n", "control character"},
        {"http://127.0.0.1\xff", "not valid UTF-8"},
    };
    mmx_config *config = config_through("none", false);
    mmx_error *error = FILLED;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(mmx_config_set_proxy(config, bad[i][0], &error), MMX_ERROR_INVALID_ARGUMENT);
        CHECK(!strstr(mmx_error_message(error), "sec"));
        mmx_error_free(error);
        REFUSES(mmx_config_set_proxy(config, bad[i][0], &error), error, "url_or_none", bad[i][1]);
    }
    assert_deletes_with(config, 1);
    /* Without a scheme it is as curl has it. */
    char *proxy = proxy_with(NAME, "{}");
    CHECK_INT(mmx_config_set_proxy(config, proxy + strlen("http://"), NULL), MMX_OK);
    assert_deletes_with(config, 2);
    assert_proxy_asked(NAME, 1, "\"method\":\"POST\"");
    /* The key would be read by a proxy elsewhere. */
    CHECK_INT(mmx_config_set_proxy(config, "http://ann:secret@10.0.0.1:3128", NULL), MMX_OK);
    mmx_client *client = FILLED;
    REFUSES(mmx_client_new(config, &client, &error), error, "base_url",
        "the proxy 10.0.0.1:3128 (mmx_config_set_proxy()), which would see the key");
    CHECK_INT(mmx_config_set_allow_insecure(config, true, NULL), MMX_OK);
    mmx_client_free(client_from(config));
    /* An address of IPv6 is asked for in brackets. */
    char *refuses = proxy_with("proxy-ipv6", "{\"refuse\": 502}");
    CHECK_INT(mmx_config_set_base_url(config, "https://[::1]:8443", NULL), MMX_OK);
    CHECK_INT(mmx_config_set_proxy(config, refuses, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_max_attempts(config, 1, NULL), MMX_OK);
    client = client_from(config);
    FAILS(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error), error, MMX_ERROR_CONNECT,
        "made no connection to [::1]:8443", false);
    assert_proxy_asked("proxy-ipv6", 1, "\"target\":\"[::1]:8443\"");
    mmx_client_free(client);
    free(refuses);
    mmx_config_free(config);
    free(proxy);
}

int main(void) {
    everything_goes_through_it();
    transfers();
    credentials();
    troubles();
    bad_values();
    remove_folder();
    return 0;
}
