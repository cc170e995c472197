/* One delete: the request on the wire is the contract's, and the answer is handed over as it came. */
#include "check.h"

int main(void) {
    account("delete", 0);
    mmx_client *client = client_for("delete", false);
    char *json = (char *)"before";
    mmx_error *error = (mmx_error *)&json;
    CHECK_INT(mmx_delete_file(client, 176844028768320, MMX_PURPOSE_VOICE_CLONE, NULL, &json, &error), MMX_OK);
    CHECK(error == NULL);
    CHECK_TEXT(json, "{\"file_id\":176844028768320,\"base_resp\":{\"status_code\":0,\"status_msg\":\"success\"}}");
    mmx_string_free(json);

    char *journal = control("GET", "/control/delete/journal", NULL);
    CHECK_HAS(journal, "\"method\":\"POST\",\"path\":\"/v1/files/delete\"");
    CHECK_HAS(journal, "\"query\":null");
    CHECK_HAS(journal, "\"body\":\"{\\\"file_id\\\":176844028768320,\\\"purpose\\\":\\\"voice_clone\\\"}\"");
    CHECK_HAS(journal, "[\"content-type\",\"application/json\"]");
    CHECK_HAS(journal, "[\"authorization\",\"Bearer sk-api-sandbox\"]");
    CHECK_HAS(journal, "[\"user-agent\",\"libmmx/" MMX_VERSION "\"]");
    CHECK_INT(count_of("delete", "count?performed=1"), 1);
    free(journal);
    mmx_client_free(client);
    return 0;
}
