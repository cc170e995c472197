/* Texts that a caller gets wrong. */
#ifndef BAD_TEXTS_H
#define BAD_TEXTS_H
#include "check.h"

/* The bytes of a text that is too long; fewer under valgrind, which takes some ten minutes for so many. */
static inline size_t too_long(void) {
    const char *under = getenv("MMX_TEST_UNDER");
    return under && strstr(under, "valgrind") ? 200 * 1000 : 10 * 1000 * 1000;
}

struct bad_text {
    const char *name;
    /* A part of the names of the parameters that take it; "" = all. */
    const char *of;
    /* Written so often that the text is too_long(), between `begins` and `ends`; "" = not at all. */
    const char *repeated;
    const char *begins, *ends;
    bool is_utf8;
    char *text;
};

static struct bad_text BAD_TEXTS[] = {
    {"a lone continuation byte", "", "", "a\x80z", "", false, NULL},
    {"an overlong slash", "", "", "\xc0\xaf", "", false, NULL},
    {"an overlong NUL", "", "", "a\xc0\x80", "", false, NULL},
    {"cut within a character", "", "", "a\xe2\x82", "", false, NULL},
    {"a surrogate", "", "", "\xed\xa0\x80", "", false, NULL},
    {"beyond U+10FFFF", "", "", "\xf4\x90\x80\x80", "", false, NULL},
    {"bytes that UTF-8 never has", "", "", "\xff\xfe", "", false, NULL},
    {"long, and not UTF-8 at its end", "", "a", "", "\xff", false, NULL},
    {"empty", "", "", "", "", true, NULL},
    {"a space", "", "", " ", "", true, NULL},
    {"a tab", "", "", "\t", "", true, NULL},
    {"a line break", "", "", "\n", "", true, NULL},
    {"another header", "", "", "a\r\nX-Injected: 1", "", true, NULL},
    {"control characters", "", "", "\x01\x1b[31m\x7f", "", true, NULL},
    {"C1 control characters", "", "", "\xc2\x85\xc2\x9b", "", true, NULL},
    {"a line separator", "", "", "\xe2\x80\xa8", "", true, NULL},
    {"text turned around", "", "",
        "\xe2\x80\xae"
        "3pm.a",
        "", true, NULL},
    {"conversions of printf", "", "", "%s%n%s%n", "", true, NULL},
    {"the folder", "", "", ".", "", true, NULL},
    {"the root", "", "", "/", "", true, NULL},
    {"a folder that isn't there", "", "", "nowhere/a.mp3", "", true, NULL},
    {"the key and a line break", "", "", "KEY", "\n", true, NULL},
    {"the key in quotes", "", "", "\"KEY", "\"", true, NULL},
    {"a URL to this machine", "url", "", "http://127.0.0.1:1", "", true, NULL},
    {"a long URL to this machine", "url", "a", "http://127.0.0.1:1/", "", true, NULL},
    {"a long host", "url", "a", "http://", ":1", true, NULL},
    {"a long user", "url", "a", "http://", "@127.0.0.1:1", true, NULL},
    {"10 MB of letters", "", "a", "", "", true, NULL},
    {"10 MB of slashes", "", "/", "", "", true, NULL},
    {"10 MB of folders", "path", "a/", "", "", true, NULL},
    {"10 MB of line breaks", "", "\n", "", "", true, NULL},
    {"10 MB of characters of three bytes", "", "\xe2\x82\xac", "", "", true, NULL},
    {"10 MB of stars", "glob", "*", "", "b", true, NULL},
    {"10 MB of a pattern", "glob", "*a", "", "b", true, NULL},
    {"10 MB of classes", "glob", "[a-z]", "", "", true, NULL},
    {"10 MB of {", "json", "{", "", "", true, NULL},
    {"10 MB of [", "json", "[", "", "", true, NULL},
    {"10 MB of nested objects", "json", "{\"files\":", "", "", true, NULL},
    {"10 MB of nested outcomes", "json", "[", "{\"outcomes\":", "", true, NULL},
    {"an object with 10 MB of nested arrays", "json", "[", "{\"file_id\":1,\"x\":", "", true, NULL},
    {"an id of 10 MB", "json", "1", "{\"file_id\":", "}", true, NULL},
    {"an id as text of 10 MB", "json", "a", "{\"file_id\":\"", "\"}", true, NULL},
    {"a list of 2,500,000 objects", "json", "{},", "{\"files\":[", "{}]}", true, NULL},
    {"a plan with a key of 10 MB", "json", "a", "{\"version\":1,\"key_fingerprint\":\"", "\"}", true, NULL},
    {"10 MB of quotes", "json", "\"", "", "", true, NULL},
    {"10 MB of backslashes", "json", "\\", "\"", "", true, NULL},
};

#define BAD_TEXT_COUNT (sizeof BAD_TEXTS / sizeof *BAD_TEXTS)

static inline bool is_bad_text_of(size_t i, const char *parameter) {
    return strstr(parameter, BAD_TEXTS[i].of) != NULL;
}

static inline void make_bad_texts(void) {
    for (size_t i = 0; i < BAD_TEXT_COUNT; i++) {
        struct bad_text *bad = &BAD_TEXTS[i];
        const char *key = strstr(bad->begins, "KEY"), *begins = bad->begins;
        char *with_key = key ? format("%.*s%s", (int)(key - begins), begins, setting("MMX_TEST_KEY")) : NULL;
        if (with_key) begins = with_key;
        size_t piece = strlen(bad->repeated), pieces = piece ? too_long() / piece : 0;
        char *at = bad->text = malloc(strlen(begins) + pieces * piece + strlen(bad->ends) + 1);
        CHECK(at != NULL);
        at = stpcpy(at, begins);
        for (size_t n = 0; n < pieces; n++, at += piece) memcpy(at, bad->repeated, piece);
        strcpy(at, bad->ends);
        free(with_key);
    }
}

static inline void free_bad_texts(void) {
    for (size_t i = 0; i < BAD_TEXT_COUNT; i++) free(BAD_TEXTS[i].text);
}

/* The length of the character of UTF-8 there; 0 if it is none. */
static inline size_t utf8_length(const unsigned char *at) {
    if (at[0] < 0x80) return 1;
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4) return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)) return 0;
    if ((at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f)) return 0;
    return length;
}

/* UTF-8 without control characters, those of C1 included. */
static inline bool is_one_line(const char *text) {
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        size_t length = utf8_length(at);
        if (length == 0 || *at < 0x20 || *at == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0)) return false;
        at += length;
    }
    return true;
}

#endif
