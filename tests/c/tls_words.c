/* What goes wrong with TLS, in words of the field, and certificate files as other tools write them. */
#include "ports.h"
#include "contract.h"
#include <pthread.h>

static const char NAME[] = "tls-words";

static mmx_config *config_at(const char *listener, const char *ca_file) {
    mmx_config *config = config_for(NAME, true);
    mmx_error *error = NULL;
    char *url = format("%s/t/%s", setting(listener), NAME);
    CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
    if (ca_file && mmx_config_set_ca_file(config, ca_file, &error) != MMX_OK) FAIL("%s", mmx_error_message(error));
    free(url);
    return config;
}

static void refuses(mmx_config *config, const char *what, const char *help) {
    mmx_client *client = client_of(config);
    mmx_error *error = NULL;
    CHECK_INT(mmx_delete_file(client, 1, "voice_clone", NULL, NULL, &error), MMX_ERROR_CONNECT);
    CHECK_HAS(mmx_error_message(error), what);
    CHECK_HAS(mmx_error_message(error), help);
    CHECK(!mmx_error_is_ambiguous(error) && !strstr(mmx_error_message(error), "Other"));
    mmx_error_free(error);
    mmx_client_free(client);
}

/* Takes the beginning of a handshake, answers a part of one or nothing, and closes. */
static void *cuts(void *given) {
    static const char part[] = "\x16\x03\x03\x00\x7a\x02\x00\x00";
    for (int fd, answers = 0; (fd = accept(*(int *)given, NULL, NULL)) >= 0; answers++) {
        char buffer[4096];
        CHECK(read(fd, buffer, sizeof buffer) > 0);
        if (answers % 2) CHECK(send(fd, part, 8, MSG_NOSIGNAL) == 8);
        close(fd);
    }
    return NULL;
}

static void cut_in_the_handshake(void) {
    int listener = socket_at_a_port(4);
    pthread_t server;
    CHECK_INT(pthread_create(&server, NULL, cuts, &listener), 0);
    for (int i = 0; i < 2; i++) {
        mmx_config *config = config_at("MMX_TEST_HTTPS", NULL);
        char *url = format("https://127.0.0.1:%d", port_of(listener));
        CHECK_INT(mmx_config_set_base_url(config, url, NULL), MMX_OK);
        refuses(config, "no secure connection", "closed during the TLS handshake");
        free(url);
    }
    shutdown(listener, SHUT_RDWR);
    pthread_join(server, NULL);
}

/* A file of these pieces, one behind the other; the caller frees its path. */
static char *file_of(const char *const *pieces, size_t count) {
    char *path = format("%s/mmx-tls-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    for (size_t i = 0; i < count; i++) CHECK(write(fd, pieces[i], strlen(pieces[i])) == (ssize_t)strlen(pieces[i]));
    close(fd);
    return path;
}

static char *replaced(const char *text, const char *from, const char *to) {
    char *result = format("%s", "");
    for (const char *found; (found = strstr(text, from)); text = found + strlen(from)) {
        char *longer = format("%s%.*s%s", result, (int)(found - text), text, to);
        free(result);
        result = longer;
    }
    char *whole = format("%s%s", result, text);
    free(result);
    return whole;
}

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The only section's bytes with so many more behind them, in base64 again. */
static char *with_more(const char *pem, const uint8_t *more, size_t count) {
    static uint8_t bytes[1 << 16];
    size_t length = 0, bits = 0;
    uint32_t held = 0;
    const char *at = strchr(pem, '\n'), *end = strstr(pem, "-----END");
    for (; at < end; at++) {
        const char *digit = *at == '\n' || *at == '\r' || *at == '=' ? NULL : strchr(DIGITS, *at);
        if (!digit) continue;
        held = held << 6 | (uint32_t)(digit - DIGITS);
        if ((bits += 6) >= 8) bytes[length++] = (uint8_t)(held >> (bits -= 8));
    }
    memcpy(bytes + length, more, count);
    length += count;
    char *text = calloc(length * 2 + 100, 1), *to = text;
    CHECK(text != NULL);
    for (size_t i = 0; i < length; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16 | (i + 1 < length ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (i + 2 < length ? bytes[i + 2] : 0);
        for (int digit = 0; digit < 4; digit++)
            *to++ = i + (size_t)digit > length ? '=' : DIGITS[three >> (18 - 6 * digit) & 63];
        if (i % 48 == 45) *to++ = '\n';
    }
    return text;
}

static void files_of_others(void) {
    char pem[1 << 15] = "";
    FILE *file = fopen(setting("MMX_TEST_CA"), "r");
    CHECK(file && fread(pem, 1, sizeof pem - 1, file) > 0);
    fclose(file);
    /* An OpenSSL CertAux: trusted for serverAuth. */
    static const uint8_t trust[] = {0x30, 0x0c, 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
    char *x509 = replaced(pem, " CERTIFICATE-----", " X509 CERTIFICATE-----"), *lines = replaced(pem, "\n", "\r\n");
    char *more = with_more(pem, trust, sizeof trust);
    const char *const files[][4] = {
        {"\xef\xbb\xbf", pem},
        {"\xef\xbb\xbf", lines},
        {x509},
        {"# a comment\nsubject=CN = x\n", pem},
        {"-----BEGIN TRUSTED CERTIFICATE-----\n", more, "\n-----END TRUSTED CERTIFICATE-----\n"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t count = 0;
        while (count < 4 && files[i][count]) count++;
        char *path = file_of(files[i], count);
        mmx_client *client = client_of(config_at("MMX_TEST_HTTPS", path));
        assert_deletes(client, (int64_t)i + 1);
        mmx_client_free(client);
        unlink(path);
        free(path);
    }
    free(more);
    free(lines);
    free(x509);
}

int main(void) {
    alarm(60);
    account(NAME, 9);
    refuses(config_at("MMX_TEST_HTTPS_NO_INTERMEDIATE", NULL), "of an unknown CA",
        "incomplete chain, without the intermediate certificate");
    refuses(config_at("MMX_TEST_HTTPS_NO_INTERMEDIATE", NULL), "private CA", "mmx_config_set_ca_file()");
    refuses(config_at("MMX_TEST_HTTPS_SELF_SIGNED", setting("MMX_TEST_SELF_SIGNED")),
        "its certificate is a CA's (CA:TRUE)", "CA:FALSE");
    cut_in_the_handshake();
    files_of_others();
    return 0;
}
