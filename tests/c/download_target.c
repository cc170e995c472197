/* Download: nothing that was received is thrown away at the last step, and what is written is never more open than what
 * it replaces. */
#include "contract.h"
#include "files.h"
#include <dlfcn.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

static const char NAME[] = "target";
enum { SIZE = 300000 };
static uint8_t *content; /* of file 1, made of seed 5 */
static mmx_error *error;

/* Stand before the C library's, and fail as file systems do. */
static int fsync_fails, fchmod_fails;

int fsync(int fd) {
    int (*real)(int);
    *(void **)&real = dlsym(RTLD_NEXT, "fsync");
    errno = fsync_fails;
    return fsync_fails ? -1 : real(fd);
}

int fchmod(int fd, mode_t mode) {
    int (*real)(int, mode_t);
    *(void **)&real = dlsym(RTLD_NEXT, "fchmod");
    errno = fchmod_fails;
    return fchmod_fails ? -1 : real(fd, mode);
}

static void reset(void) {
    account(NAME, 0);
    store_file(NAME, 1, SIZE, 5);
}

static mode_t mode_of(const char *path) {
    struct stat found;
    if (lstat(path, &found) != 0) FAIL("%s: %s", path, strerror(errno));
    return found.st_mode & 07777;
}

/* The one temporary file in the folder; the caller frees the path. */
static char *temporary(void) {
    DIR *directory = opendir(folder());
    char *path = NULL;
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strncmp(entry->d_name, ".mmx-", 5) == 0) {
            CHECK(path == NULL);
            path = in_folder(entry->d_name);
        }
    closedir(directory);
    CHECK(path != NULL);
    return path;
}

/* The call failed, and names the temporary file, which is whole. */
static void keeps(mmx_status status, const char *part) {
    char *kept = temporary();
    CHECK_HAS(mmx_error_message(error), kept);
    FAILS(status, error, MMX_ERROR_FILE, part, false);
    assert_file_holds(kept, content, SIZE);
    CHECK_INT(unlink(kept), 0);
    free(kept);
}

static void file_systems(const mmx_client *client) {
    static const int kept[] = {EINVAL, ENOSYS}, lost[] = {EIO, ENOSPC, EDQUOT};
    char *path = in_folder("a");
    reset();
    for (int there = 0; there < 2; there++) {
        for (size_t i = 0; i < 2; i++) {
            fsync_fails = kept[i];
            if (there) write_file(path, "old", 3);
            SUCCEEDS(mmx_download_file(client, 1, path, NULL, NULL, &error), error);
            assert_file_holds(path, content, SIZE);
            unlink(path);
        }
        for (size_t i = 0; i < 3; i++) {
            fsync_fails = lost[i];
            if (there) write_file(path, "old", 3);
            keeps(mmx_download_file(client, 1, path, NULL, NULL, &error), "what was received is in ");
            if (there) assert_file_holds(path, "old", 3);
            CHECK_INT(entries_in(folder()), there);
            unlink(path);
        }
    }
    fsync_fails = 0;
    fchmod_fails = EPERM;
    write_file(path, "old", 3);
    SUCCEEDS(mmx_download_file(client, 1, path, NULL, NULL, &error), error);
    assert_file_holds(path, content, SIZE);
    fchmod_fails = 0;
    unlink(path);
    free(path);
}

static int32_t becomes_a_folder(void *user_data, int64_t done, int64_t total) {
    if (done == total) CHECK_INT(mkdir(user_data, 0700), 0);
    return 0;
}

static void late_and_early(const mmx_client *client) {
    char *path = in_folder("a"), *nowhere = in_folder("newdir/x"), *newdir = in_folder("newdir");
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.progress = becomes_a_folder;
    options.user_data = path;
    reset();
    keeps(mmx_download_file(client, 1, path, &options, NULL, &error), "is a directory; what was received is in ");
    CHECK_INT(rmdir(path), 0);
    long sent = count_of(NAME, "count");
    char *part = format("the folder %s: no such file or directory", newdir);
    FAILS(mmx_download_file(client, 1, nowhere, NULL, NULL, &error), error, MMX_ERROR_FILE, part, false);
    CHECK_INT(count_of(NAME, "count"), sent);
    CHECK_INT(entries_in(folder()), 0);
    free(part);
    free(path);
    free(nowhere);
    free(newdir);
}

/* In a child, for it makes mounts and gives up root's rights; true if this may do so. */
static bool as_root(void (*work)(const mmx_client *client)) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
            _exit(77);
        mmx_client *client = client_for(NAME, false);
        reset();
        work(client);
        _exit(0);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
    return WEXITSTATUS(status) == 0;
}

static void mount_point(const mmx_client *client) {
    char *path = in_folder("mount point"), *link = in_folder("link"), *source = in_folder("source");
    write_file(path, "", 0);
    write_file(source, "older and longer than nothing", 29);
    if (mount(source, path, NULL, MS_BIND, NULL) != 0) _exit(77);
    CHECK_INT(symlink(path, link), 0);
    SUCCEEDS(mmx_download_file(client, 1, path, NULL, NULL, &error), error);
    assert_file_holds(source, content, SIZE);
    write_file(source, "old", 3);
    SUCCEEDS(mmx_download_file(client, 1, link, NULL, NULL, &error), error);
    assert_file_holds(source, content, SIZE);
    CHECK_INT(entries_in(folder()), 3);
    /* One that can't be written is known before a byte comes. */
    if (mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) != 0) _exit(77);
    long sent = count_of(NAME, "count");
    FAILS(
        mmx_download_file(client, 1, path, NULL, NULL, &error), error, MMX_ERROR_FILE, "read-only file system", false);
    CHECK_INT(count_of(NAME, "count"), sent);
    CHECK_INT(umount(path), 0);
    unlink(path);
    unlink(link);
    unlink(source);
}

static void of_another_owner(const mmx_client *client) {
    static const struct {
        mode_t before, after;
    } cases[] = {{04755, 0755}, {06777, 0755}, {01644, 0644}, {0600, 0600}, {02640, 0640}};
    char *path = in_folder("a");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(path, "old", 3);
        CHECK_INT(chown(path, 12345, 12345), 0);
        CHECK_INT(chmod(path, cases[i].before), 0);
        SUCCEEDS(mmx_download_file(client, 1, path, NULL, NULL, &error), error);
        CHECK_INT(mode_of(path), cases[i].after);
        assert_file_holds(path, content, SIZE);
        unlink(path);
    }
}

/* fs.protected_symlinks, also where the kernel has it off. */
static void sticky(const mmx_client *client) {
    char *shared = in_folder("shared"), *link = in_folder("shared/link"), *target = in_folder("victim");
    CHECK_INT(mkdir(shared, 01777), 0);
    CHECK_INT(chmod(shared, 01777), 0);
    for (int there = 0; there < 2; there++) {
        CHECK_INT(symlink(target, link), 0);
        CHECK_INT(lchown(link, 12345, 12345), 0);
        if (there) write_file(target, "old", 3);
        FAILS(mmx_download_file(client, 1, link, NULL, NULL, &error), error, MMX_ERROR_FILE,
            "a symbolic link of another user", false);
        if (there) assert_file_holds(target, "old", 3);
        CHECK_INT(entries_in(folder()), 1 + there);
        /* One's own is followed. */
        CHECK_INT(lchown(link, 0, 0), 0);
        SUCCEEDS(mmx_download_file(client, 1, link, NULL, NULL, &error), error);
        assert_file_holds(target, content, SIZE);
        unlink(target);
        unlink(link);
    }
    /* And so is another's where not everybody can lay one. */
    CHECK_INT(symlink(target, link), 0);
    CHECK_INT(lchown(link, 12345, 12345), 0);
    CHECK_INT(chmod(shared, 0755), 0);
    SUCCEEDS(mmx_download_file(client, 1, link, NULL, NULL, &error), error);
    assert_file_holds(target, content, SIZE);
    unlink(target);
    unlink(link);
    CHECK_INT(rmdir(shared), 0);
}

static mode_t seen;

static int32_t looks(void *user_data, int64_t done, int64_t total) {
    char *path = temporary();
    (void)user_data, (void)done, (void)total;
    seen |= mode_of(path);
    free(path);
    return 0;
}

static void while_written(const mmx_client *client) {
    static const mode_t modes[] = {0600, 0640, 04700, 0444, 0606};
    char *path = in_folder("a");
    mmx_call_options options = MMX_CALL_OPTIONS_INIT;
    options.progress = looks;
    reset();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        write_file(path, "old", 3);
        CHECK_INT(chmod(path, modes[i]), 0);
        seen = 0;
        SUCCEEDS(mmx_download_file(client, 1, path, &options, NULL, &error), error);
        CHECK_INT(seen & ~(modes[i] & 0777), 0);
        CHECK_INT(mode_of(path), modes[i] & 0777);
        unlink(path);
    }
    free(path);
}

int main(void) {
    umask(022);
    content = made_whole(5, SIZE);
    mmx_client *client = client_for(NAME, false);
    file_systems(client);
    late_and_early(client);
    while_written(client);
    mmx_client_free(client);
    bool mounted = as_root(mount_point), owned = as_root(of_another_owner), linked = as_root(sticky);
    printf("mount point %d, owner %d, link %d\n", mounted, owned, linked);
    free(content);
    remove_folder();
    return 0;
}
