/* Deletes one file: ./delete FILE_ID PURPOSE, with the key in MINIMAX_API_KEY.
 *
 * cc -Iinclude examples/c/delete.c -Ltarget/release -lmmx -o delete */
#include <mmx.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s FILE_ID PURPOSE\n", argv[0]);
        return 2;
    }
    mmx_client *client = NULL;
    mmx_error *error = NULL;
    char *json = NULL;

    mmx_status status = mmx_client_new(NULL, &client, &error); /* NULL: settings from the environment */
    if (status == MMX_OK) status = mmx_delete_file(client, strtoll(argv[1], NULL, 10), argv[2], NULL, &json, &error);

    if (status == MMX_OK) {
        printf("deleted: %s\n", json);
    } else {
        fprintf(stderr, "%s\n%s\n", mmx_status_name(status), mmx_error_message(error));
        if (mmx_error_is_ambiguous(error)) fprintf(stderr, "the file may be gone all the same\n");
    }
    mmx_string_free(json);
    mmx_error_free(error);
    mmx_client_free(client);
    return status == MMX_OK ? 0 : 1;
}
