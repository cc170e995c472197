/* Calls that only read go again whenever that may help, and are never in doubt. */
#include "files.h"
#include "retry.h"

enum { FILE_ID = 3 };

static mmx_status lists(const mmx_client *client, const mmx_call_options *options, char **answer, mmx_error **error) {
    return mmx_list_files(client, NULL, options, answer, error);
}

static mmx_status retrieves(
    const mmx_client *client, const mmx_call_options *options, char **answer, mmx_error **error) {
    return mmx_retrieve_file(client, FILE_ID, options, answer, error);
}

/* What came must be the file. */
static mmx_status downloads(
    const mmx_client *client, const mmx_call_options *options, char **answer, mmx_error **error) {
    struct taker taker = {.seed = FILE_ID};
    mmx_sink sink = sink_to(&taker);
    mmx_status status = mmx_download_stream(client, FILE_ID, &sink, options, answer, error);
    if (status == MMX_OK) CHECK(!taker.differs && taker.at > 0);
    return status;
}

static const struct {
    const char *name, *call; /* of the server's */
    mmx_status (*make)(const mmx_client *client, const mmx_call_options *options, char **answer, mmx_error **error);
} calls[] = {{"list_files", "list", lists}, {"retrieve_file", "retrieve", retrieves},
    {"download_stream", "retrieve_content", downloads}};

struct reading {
    const char *fault;
    long requests;
    mmx_status status;
    const char *said;
    int32_t max_attempts;
    int64_t timeout_ms;
    bool not_of_files; /* a download takes it otherwise, or not at all */
};

static const struct reading readings[] = {
    {"{}", 1, .status = MMX_OK},
    /* No answer, or a part of one. */
    {"{'close_before_answer':'fin'}", 2, .status = MMX_OK},
    {"{'close_before_answer':'rst'}", 2, .status = MMX_OK},
    {"{'cut_after':30}", 2, .status = MMX_OK},
    {"{'cut_after':30,'close':'rst'}", 2, .status = MMX_OK},
    {"{'cut_after':360," NOW "}", 2, .status = MMX_OK},
    {"{'cut_after':360,'close':'rst'," NOW "}", 2, .status = MMX_OK},
    {"{'times':3,'cut_after':360," NOW "}", 4, .status = MMX_OK},
    {"{'times':-1,'cut_after':360," NOW "}", 4, .status = MMX_ERROR_NETWORK, .said = "(the last of 4 attempts)"},
    {"{'times':-1,'close_before_answer':'rst'}", 4, .status = MMX_ERROR_NETWORK, .said = "(the last of 4 attempts)"},
    {"{'times':-1,'close_before_answer':'rst'}", 2, .status = MMX_ERROR_NETWORK, .said = "(the last of 2 attempts)",
        .max_attempts = 2},
    {"{'times':-1,'close_before_answer':'rst'}", 1, .status = MMX_ERROR_NETWORK, .max_attempts = 1},
    {"[{'code':1013," NOW "},{'close_before_answer':'rst'},{'http_status':502," NOW "}]", 4, .status = MMX_OK},
    {"{'times':9,'code':1013," NOW "}", 10, .status = MMX_OK, .max_attempts = 10},
    {"{'times':2,'code':1002," NOW "}", 3, .status = MMX_OK},
    /* Answers that no other attempt would change. */
    {"{'times':-1,'shape':'garbage'}", 1, .status = MMX_ERROR_PROTOCOL, .said = "is not valid HTTP"},
    {"{'times':-1,'shape':'no_base_resp'}", 1, .status = MMX_ERROR_PROTOCOL, .not_of_files = true},
    {"{'times':-1,'shape':'truncated_json'}", 1, .status = MMX_ERROR_PROTOCOL, .not_of_files = true},
    {"{'times':-1,'shape':'redirect'}", 1, .status = MMX_ERROR_HTTP, .said = "a redirect", .not_of_files = true},
    /* One limit over all of it. */
    {"[{'code':1013," NOW "},{'hang':true}]", 2, .status = MMX_ERROR_TIMEOUT,
        .said = "the time limit of 600 ms passed while", .timeout_ms = 600},
    {"{'times':-1,'code':1013,'headers':{'Retry-After':'20'}}", 1, .status = MMX_ERROR_SERVER,
        .said = "; the time limit leaves no room for another attempt", .timeout_ms = 15000},
};

static void run(const char *account_name, size_t call, bool https, const struct reading *it) {
    const char *name = calls[call].name;
    mmx_call_options options;
    mmx_client *client =
        client_with_faults(account_name, https, it->fault, FILE_ID, it->max_attempts, it->timeout_ms, &options);
    char *answer = NULL;
    mmx_error *error = NULL;
    mmx_status status = calls[call].make(client, &options, &answer, &error);
    const char *said = status == MMX_OK ? answer : mmx_error_message(error);
    if (status != it->status) FAIL("%s, %s: %s: %s", name, it->fault, mmx_status_name(status), said);
    if (mmx_error_is_ambiguous(error)) FAIL("%s, %s: ambiguous: %s", name, it->fault, said);
    if (status == MMX_OK && !strstr(said, "\"file_id\":3,")) FAIL("%s, %s: %s", name, it->fault, said);
    if (it->said && !strstr(said, it->said)) FAIL("%s, %s: no \"%s\" in \"%s\"", name, it->fault, it->said, said);
    if (status != MMX_OK) CHECK_INT(mmx_error_attempts(error), it->requests);
    if (requests(account_name, calls[call].call) != it->requests || count_of(account_name, "count") != it->requests)
        FAIL("%s, %s: %ld requests: %s", name, it->fault, count_of(account_name, "count"), said);
    mmx_string_free(answer);
    mmx_error_free(error);
    mmx_client_free(client);
}

static void in_the_table(size_t number) {
    size_t call = number / 2 % LENGTH_OF(calls);
    const struct reading *it = &readings[number / 2 / LENGTH_OF(calls)];
    if (it->not_of_files && calls[call].make == downloads) return;
    char *name = format("retry-read-%zu", number);
    run(name, call, number % 2, it);
    free(name);
}

static void answered(size_t number) {
    size_t at = number / LENGTH_OF(calls), call = number % LENGTH_OF(calls);
    char *name = format("retry-read-answer-%zu", number), *fault = format("{%s," NOW "}", answers[at].fault);
    struct reading expected = {fault, 2, .status = MMX_OK};
    if (!answers[at].again) expected = (struct reading){fault, 1, .status = answers[at].status};
    run(name, call, at % 2, &expected);
    free(fault);
    free(name);
}

int main(void) {
    at_once(in_the_table, 2 * LENGTH_OF(calls) * LENGTH_OF(readings));
    at_once(answered, LENGTH_OF(calls) * LENGTH_OF(answers));
    return 0;
}
