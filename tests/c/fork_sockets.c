/* A child closes its copies of its parent's connections at its first call, and writes nothing to them. */
#include "check.h"
#include <dirent.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Those that are not the library's. */
static int at_first;

static int sockets(void) {
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;
    if (!directory) FAIL("no /proc/self/fd");
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct stat what;
        count += entry->d_name[0] != '.' && fstat(atoi(entry->d_name), &what) == 0 && S_ISSOCK(what.st_mode);
    }
    closedir(directory);
    return count;
}

static void run(const char *name, bool https) {
    enum { SETTINGS = 5 };
    mmx_client *clients[SETTINGS];
    account(name, 2 * SETTINGS + 1);
    int before = sockets();
    for (int i = 0; i < SETTINGS; i++) {
        mmx_config *config = config_for(name, https);
        CHECK_INT(mmx_config_set_connect_timeout_ms(config, 20000 + i, NULL), MMX_OK);
        clients[i] = client_of(config);
        assert_deletes(clients[i], i + 1);
    }
    CHECK_INT(sockets() - before, SETTINGS);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        CHECK_INT(sockets() - before, SETTINGS);
        assert_deletes(clients[0], 2 * SETTINGS + 1);
        /* Its own. */
        CHECK_INT(sockets() - at_first, 1);
        for (int i = 0; i < SETTINGS; i++) mmx_client_free(clients[i]);
        exit(0);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) FAIL("%s: the child ended with %#x", name, (unsigned)status);
    /* The parent's are as they were: nothing was written to them, so TLS goes on, too. */
    for (int i = 0; i < SETTINGS; i++) assert_deletes(clients[i], SETTINGS + i + 1);
    CHECK_INT(sockets() - before, SETTINGS);
    char *path = format("/control/%s/connections", name), *connections = control("GET", path, NULL);
    int count = 0;
    for (char *at = connections; (at = strstr(at, "\"closed\":")); at++) count++;
    /* One of the child's beside them: none was made anew. */
    if (count != SETTINGS + 1) FAIL("%s: %d connections: %s", name, count, connections);
    free(connections);
    free(path);
    for (int i = 0; i < SETTINGS; i++) mmx_client_free(clients[i]);
}

int main(void) {
    at_first = sockets();
    run("fork-sockets-http", false);
    run("fork-sockets-tls", true);
    return 0;
}
