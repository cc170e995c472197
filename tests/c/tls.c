/* Whom the library trusts: a certificate that it doesn't accept is refused before anything is sent, and the message
 * says what is wrong with it and which setting or package helps. */
#include "ports.h"
#include "contract.h"
#include <pthread.h>
#include <sys/stat.h>

/* The account "tls" at one of the listeners. */
static mmx_config *config_at(const char *listener, bool with_ca) {
    mmx_config *config = mmx_config_new();
    char *url = format("%s/t/tls", setting(listener));
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    CHECK_INT(mmx_config_set_api_key(config, setting("MMX_TEST_KEY"), NULL), MMX_OK);
    if (with_ca) CHECK_INT(mmx_config_set_ca_file(config, setting("MMX_TEST_CA"), NULL), MMX_OK);
    free(url);
    return config;
}

static void connects(mmx_config *config, int64_t file_id) {
    mmx_client *client = client_of(config);
    assert_deletes(client, file_id);
    mmx_client_free(client);
}

/* No connection comes of it, and the message has both parts and the server. */
static void refuses(mmx_config *config, const char *what, const char *help) {
    mmx_client *client = client_of(config);
    char *json = FILLED;
    mmx_error *error = FILLED;
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, &json, &error), MMX_ERROR_CONNECT);
    CHECK(json == NULL);
    CHECK_HAS(mmx_error_message(error), what);
    CHECK_HAS(mmx_error_message(error), help);
    CHECK_INT(mmx_error_http_status(error), 0);
    CHECK(!mmx_error_is_ambiguous(error));
    mmx_error_free(error);
    mmx_client_free(client);
}

static void bad_certificates(void) {
    refuses(config_at("MMX_TEST_HTTPS_EXPIRED", true), "has expired", "this machine's clock");
    refuses(config_at("MMX_TEST_HTTPS_WRONG_HOST", true), "for another host", "base URL");
    refuses(config_at("MMX_TEST_HTTPS_UNKNOWN_CA", true), "of an unknown CA", "mmx_config_set_ca_file()");
    refuses(config_at("MMX_TEST_HTTPS", false), "of an unknown CA", "mmx_config_set_ca_file()");
    /* http:// is as free as ever to talk to this machine; talking TLS to a plain port is no success. */
    connects(config_at("MMX_TEST_HTTP", false), 1);
    mmx_config *config = config_at("MMX_TEST_HTTP", true);
    char *url = format("https%s/t/tls", setting("MMX_TEST_HTTP") + strlen("http"));
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    refuses(config, "no secure connection", "does not speak TLS at this port; is it http://?");
    free(url);
}

/* Each connection gets an answer to its ClientHello that a server without TLS 1.2 would give. */
static void *speaks_old_tls(void *given) {
    static const uint8_t refusal[] = {21, 3, 1, 0, 2, 2, 70};                   /* a fatal alert: protocol_version */
    uint8_t hello[] = {22, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2, [43] = 0, 0, 47, 0}; /* a ServerHello of TLS 1.1 */
    uint8_t buffer[4096];
    for (int answers = 0, fd; (fd = accept(*(int *)given, NULL, NULL)) >= 0; answers++) {
        const uint8_t *answer = answers % 2 ? hello : refusal;
        size_t length = answers % 2 ? sizeof hello : sizeof refusal;
        if (read(fd, buffer, sizeof buffer) > 0) CHECK(send(fd, answer, length, MSG_NOSIGNAL) == (ssize_t)length);
        while (read(fd, buffer, sizeof buffer) > 0) {}
        close(fd);
    }
    return NULL;
}

/* TLS 1.2 at least. */
static void versions(void) {
    connects(config_at("MMX_TEST_HTTPS_TLS12", true), 8);
    pthread_t server;
    /* The server's thread may still look at it when this returns. */
    static int listener;
    listener = socket_at_a_port(4);
    CHECK_INT(pthread_create(&server, NULL, speaks_old_tls, &listener), 0);
    char *url = format("https://127.0.0.1:%d", port_of(listener));
    for (int i = 0; i < 2; i++) {
        mmx_config *config = config_at("MMX_TEST_HTTPS", true);
        CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
        CHECK_INT(mmx_config_set_max_attempts(config, 1, NULL), MMX_OK);
        refuses(config, "no secure connection", "neither TLS 1.2 nor 1.3");
    }
    free(url);
}

/* A CA file is beside the system's, so several clients may trust different ones at once. */
static void a_ca_file_is_one_clients_own(void) {
    mmx_client *trusting = client_of(config_at("MMX_TEST_HTTPS", true));
    assert_deletes(trusting, 2);
    refuses(config_at("MMX_TEST_HTTPS", false), "of an unknown CA", "mmx_config_set_ca_file()");
    assert_deletes(trusting, 3);
    mmx_client_free(trusting);
}

/* As in a container without ca-certificates. */
static void without_root_certificates(void) {
    setenv("SSL_CERT_FILE", "/none", 1);
    setenv("SSL_CERT_DIR", "/none", 1);
    connects(config_at("MMX_TEST_HTTP", false), 4);
    refuses(config_at("MMX_TEST_HTTPS", false), "no root certificates", "install the package ca-certificates");
    refuses(config_at("MMX_TEST_HTTPS", false), "no root certificates", "mmx_config_set_ca_file()");
    connects(config_at("MMX_TEST_HTTPS", true), 5);
    unsetenv("SSL_CERT_DIR");
    /* The variable that OpenSSL knows is a third way. */
    setenv("SSL_CERT_FILE", setting("MMX_TEST_CA"), 1);
    mmx_config *config = config_at("MMX_TEST_HTTPS", false);
    unsetenv("SSL_CERT_FILE");
    connects(config, 6);
}

static char *file_with(const char *content) {
    char *path = format("%s/mmx-tls-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    int fd = mkstemp(path);
    CHECK(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    close(fd);
    return path;
}

static void bad_ca_files(void) {
    static const char *const missing[][2] = {
        {"/no/such/ca.pem", "/no/such/ca.pem"}, {"", "can't be read"}, {"/", "can't be read"}};
    static const char *const bad[][2] = {
        {"", "no CERTIFICATE section"},
        {"not PEM at all\n", "no CERTIFICATE section"},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no CERTIFICATE section"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "can't be parsed"},
        {"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "is not a PEM file of certificates"},
        {"-----BEGIN CERTIFICATE-----\nAAAA\n", "is not a PEM file of certificates"},
    };
    mmx_config *config = config_at("MMX_TEST_HTTPS", true);
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        mmx_error *error = FILLED;
        CHECK_INT(mmx_config_set_ca_file(config, missing[i][0], &error), MMX_ERROR_FILE);
        CHECK_HAS(mmx_error_message(error), missing[i][1]);
        CHECK_INT(mmx_error_attempts(error), 0);
        mmx_error_free(error);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mmx_error *error = FILLED;
        char *path = file_with(bad[i][0]);
        REFUSES(mmx_config_set_ca_file(config, path, &error), error, "pem_path", bad[i][1]);
        unlink(path);
        free(path);
    }
    /* The good one from before is still there. */
    connects(config, 7);
}

int main(void) {
    account("tls", 10);
    bad_certificates();
    versions();
    a_ca_file_is_one_clients_own();
    without_root_certificates();
    bad_ca_files();
    CHECK_INT(count_of("tls", "count"), 8);
    CHECK_INT(count_of("tls", "count?performed=1"), 8);
    return 0;
}
