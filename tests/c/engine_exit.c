/* The process exits at once with a call in flight and a client never freed. */
#include "check.h"
#include <pthread.h>
#include <sys/wait.h>

static void *call(void *client) {
    mmx_delete_file(client, 1, "voice_clone", NULL, NULL, NULL);
    FAIL("the call returned");
}

int main(void) {
    for (int https = 0; https < 2; https++) {
        account("exit", 1);
        script("exit", "{\"hang\": true}");
        pid_t child = fork();
        if (child == 0) {
            pthread_t thread;
            CHECK_INT(pthread_create(&thread, NULL, call, client_for("exit", https)), 0);
            CHECK_INT(number("exit", "wait?count=1"), 1);
            exit(7);
        }
        CHECK_INT(number("exit", "wait?count=1"), 1);
        int64_t started = now_ms();
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
        CHECK(now_ms() - started < 5000);
    }
    return 0;
}
