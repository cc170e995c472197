/* Huge responses: what nobody needs of them is not kept, so the peak of memory stays below 3 times the response; and the
 * time limit is heard while they are read. */
#include "files.h"
#include "retry.h"
#include <sys/wait.h>

#define NAME "huge"
#define MIB (1L << 20)
#define SUCCESS "'base_resp':{'status_code':0}"

/* A response of `mib` MiB: `before`, `unit` as often as it takes, `after`; ' stands for " in the JSON. */
struct huge {
    const char *name, *call, *before, *unit, *after;
    long mib;
    mmx_status status;
    const char *part; /* of the message */
    long files;       /* in a list that succeeds */
};

#define LIST(name, before, unit, after) {name, "list", before, unit, after, 64, MMX_OK, NULL, 0}
#define FAILED(name, call, before, unit, after, mib, status, part)                                                     \
    {name, call, before, unit, after, mib, status, part, 0}

static const struct huge responses[] = {
    LIST("objects in base_resp",
        "{'files':[],"
        "'base_resp':{'status_code':0,'x':[{'':0}",
        ",{'':0}", "]}}"),
    LIST("the same before the code",
        "{'files':[],"
        "'base_resp':{'x':[{'':0}",
        ",{'':0}", "],'status_code':0}}"),
    LIST("arrays in base_resp",
        "{'files':[],"
        "'base_resp':{'status_code':0,'x':[[]",
        ",[]", "]}}"),
    LIST("numbers in base_resp",
        "{'files':[],"
        "'base_resp':{'status_code':0,'x':[0",
        ",0", "]}}"),
    LIST("fields of base_resp",
        "{'files':[],"
        "'base_resp':{'status_code':0",
        ",'x':0", "}}"),
    LIST("deep ones",
        "{'files':[],"
        "'base_resp':{'status_code':0,'x':[0",
        ",[[[[[[[[[[[[{'a':{'a':{'a':[]}}}]]]]]]]]]]]]", "]}}"),
    LIST("a message that is an array",
        "{'files':[],"
        "'base_resp':{'status_code':0,'status_msg':[[]",
        ",[]", "]}}"),
    LIST("a field nobody knows", "{'x':[[]", ",[]", "],'files':[]," SUCCESS "}"),
    LIST("fields nobody knows", "{'x':0", ",'x':{'y':null}", ",'files':[]," SUCCESS "}"),
    LIST("a long text nobody needs", "{'files':[],'x':'", "abcdefgh", "'," SUCCESS "}"),
    LIST("a long name of a field", "{'files':[],'", "abcdefgh", "':1," SUCCESS "}"),
    LIST("entries that are null", "{'files':[null", ",null", "]," SUCCESS "}"),
    {"a field of a file", "list", "{'files':[{'file_id':1,'x':[{'':0}", ",{'':0}", "]}]," SUCCESS "}", 64, MMX_OK, NULL,
        1},
    {"a name that is an array", "list", "{'files':[{'file_id':1,'filename':[[]", ",[]", "]}]," SUCCESS "}", 64, MMX_OK,
        NULL, 1},
    FAILED("no object", "list", "[[]", ",[]", "]", 64, MMX_ERROR_PROTOCOL, "the answer is JSON, but not an object"),
    FAILED("no JSON", "list", "[[]", ",[]", ",", 64, MMX_ERROR_PROTOCOL, "the answer is JSON that is cut short"),
    FAILED("an id that is an array", "list", "{'files':[{'file_id':[[]", ",[]", "]}]," SUCCESS "}", 64,
        MMX_ERROR_PROTOCOL, "not what the API's documents say"),
    FAILED("a code that is an array", "list", "{'base_resp':{'status_code':[[]", ",[]", "]}}", 64, MMX_ERROR_PROTOCOL,
        "base_resp.status_code in the answer is not an integer"),
    FAILED("a refusal with more", "list", "{'base_resp':{'status_code':1004,'x':[{'':0}", ",{'':0}", "]}}", 64,
        MMX_ERROR_AUTHENTICATION, "the service answered 1004"),
    FAILED("a long refusal", "list", "{'base_resp':{'status_code':1004,'status_msg':'", "abcdefgh", "'}}", 64,
        MMX_ERROR_AUTHENTICATION, "the service answered 1004"),
    FAILED("the newer shape", "list", "{'type':'error','error':{'message':'no (2049)','x':[{'':0}", ",{'':0}", "]}}",
        64, MMX_ERROR_AUTHENTICATION, "the service answered 2049"),
    FAILED("a page", "list", "<html>", "<p></p>\n", "</html>", 64, MMX_ERROR_PROTOCOL, "an HTML page"),
    {"retrieve", "retrieve", "{'file':{'file_id':1},'base_resp':{'status_code':0,'x':[{'':0}", ",{'':0}", "]}}", 15,
        MMX_OK, NULL, 0},
    {"delete", "delete", "{'file_id':1,'base_resp':{'status_code':0,'x':[[]", ",[]", "]}}", 15, MMX_OK, NULL, 0},
    {"upload", "upload", "{'file':{'file_id':1,'bytes':1},'base_resp':{'status_code':0,'x':[[]", ",[]", "]}}", 15,
        MMX_OK, NULL, 0},
    FAILED("retrieve, too long", "retrieve", "{'file':{'file_id':1},'base_resp':{'status_code':0,'x':[{'':0}",
        ",{'':0}", "]}}", 64, MMX_ERROR_PROTOCOL, "retrieve_file: "),
};

static void answers_with(const struct huge *huge, bool in_chunks) {
    long count = (huge->mib * MIB - 200) / (long)strlen(huge->unit);
    char *parts[] = {format("%s", huge->before), format("%s", huge->unit), format("%s", huge->after)}, *escaped[3];
    for (int i = 0; i < 3; i++) {
        size_t length = 0;
        FILE *out = open_memstream(&escaped[i], &length);
        for (const char *at = parts[i]; *at; at++) {
            if (*at == '\'') fputs("\\\"", out);
            else if (*at == '\n') fputs("\\n", out);
            else fputc(*at, out);
        }
        fclose(out);
        free(parts[i]);
    }
    char *fault = format("{\"call\": \"%s\", \"perform\": true, \"no_length\": %s, \"body_parts\": [[\"%s\", 1], "
                         "[\"%s\", %ld], [\"%s\", 1]]}",
        huge->call, in_chunks ? "true" : "false", escaped[0], escaped[1], count, escaped[2]);
    account(NAME, 1);
    script(NAME, fault);
    free(fault);
    for (int i = 0; i < 3; i++) free(escaped[i]);
}

static mmx_status calls(
    const mmx_client *client, const char *call, const mmx_call_options *options, char **json, mmx_error **error) {
    if (strcmp(call, "list") == 0) return mmx_list_files(client, NULL, options, json, error);
    if (strcmp(call, "retrieve") == 0) return mmx_retrieve_file(client, 1, options, json, error);
    if (strcmp(call, "delete") == 0) return mmx_delete_file(client, 1, "voice_clone", options, json, error);
    struct giver giver = {.gives = 1, .piece = 1};
    mmx_source source = source_of(&giver, 1);
    return mmx_upload_stream(client, &source, "a.mp3", "voice_clone", options, json, error);
}

/* In a process of its own, whose peak is that of this response alone. */
static void costs_little(const struct huge *huge, bool in_chunks) {
    answers_with(huge, in_chunks);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child > 0) {
        int status = 0;
        CHECK(waitpid(child, &status, 0) == child);
        if (status != 0) FAIL("%s%s: the child ended with %#x", huge->name, in_chunks ? ", in chunks" : "", status);
        return;
    }
    long before = peak_kib();
    mmx_client *client = client_for(NAME, false);
    char *json = NULL;
    mmx_error *error = NULL;
    mmx_status status = calls(client, huge->call, NULL, &json, &error);
    long grown = peak_kib() - before, most = 3 * huge->mib * 1024;
    if (status != huge->status) FAIL("%s: %s: %s", huge->name, mmx_status_name(status), mmx_error_message(error));
    if (huge->part) CHECK_HAS(mmx_error_message(error), huge->part);
    if (grown >= most) FAIL("%s: the peak is %ld KiB, not below %ld", huge->name, grown, most);
    if (strcmp(huge->call, "list") == 0 && status == MMX_OK) {
        mmx_files *files = NULL;
        SUCCEEDS(mmx_files_parse(json, &files, &error), error);
        CHECK_INT(mmx_files_count(files), huge->files);
        mmx_files_free(files);
        if (peak_kib() - before >= most)
            FAIL("%s: parsed, the peak is %ld KiB, not below %ld", huge->name, peak_kib() - before, most);
    }
    CHECK(strlen(mmx_error_message(error)) < 4096);
    mmx_string_free(json);
    mmx_error_free(error);
    mmx_client_free(client);
    _exit(0);
}

/* The time limit ends the call, wherever in the response it strikes. Another program may take the machine's time, so the
 * best of some tries counts: reading without a look at the clock is late every time. */
static void ends_in_time(const struct huge *huge, int64_t limit_ms) {
    mmx_client *client = client_for(NAME, false);
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.timeout_ms = limit_ms;
    int64_t least = INT64_MAX;
    for (int i = 0; i < 5 && least > limit_ms + 500; i++) {
        answers_with(huge, false);
        mmx_error *error = NULL;
        char *json = NULL;
        int64_t began = now_ms();
        mmx_status status = calls(client, huge->call, &options, &json, &error);
        int64_t took = now_ms() - began;
        if (took < least) least = took;
        if (status != MMX_ERROR_TIMEOUT && status != huge->status) FAIL("%s: %s", huge->name, mmx_error_message(error));
        mmx_string_free(json);
        mmx_error_free(error);
    }
    if (least > limit_ms + 500) FAIL("%s: limited to %" PRId64 " ms, it took %" PRId64, huge->name, limit_ms, least);
    mmx_client_free(client);
}

int main(void) {
    static const int64_t limits_ms[] = {100, 300, 1000};
    for (size_t i = 0; i < LENGTH_OF(responses); i++) costs_little(&responses[i], i % 4 == 0);
    for (size_t i = 0; i < LENGTH_OF(limits_ms); i++) {
        ends_in_time(&responses[0], limits_ms[i]);
        ends_in_time(&responses[14], limits_ms[i]);
    }
    return 0;
}
