// What the C++ test programs share: checks that stop at the first failure, and the stand-in server's control plane.
#pragma once
#include <mmx.hpp>

#include <arpa/inet.h>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK(condition) ((condition) ? (void)0 : failed(__FILE__, __LINE__, #condition))

[[noreturn]] inline void failed(const char *file, int line, std::string_view what) {
    std::cerr << file << ":" << line << ": not so: " << what << "\n";
    std::exit(1);
}

inline std::string setting(const char *name) {
    const char *value = std::getenv(name);
    if (!value) failed(__FILE__, __LINE__, std::string(name) + " is set: run this by `make test`");
    return value;
}

inline std::string account() { return setting("MMX_TEST_ACCOUNT"); }

/// One request to the control plane of the program's account; returns the body.
inline std::string control(const std::string &method, const std::string &path, const std::string &body = "") {
    const std::string url = setting("MMX_TEST_HTTP");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(url.substr(url.rfind(':') + 1).c_str())));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(fd, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0);
    const std::string request =
        method + " /control/" + account() + "/" + path +
        " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    CHECK(send(fd, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
    std::string answer;
    char buffer[4096];
    for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
        answer.append(buffer, static_cast<std::size_t>(got));
    close(fd);
    CHECK(answer.rfind("HTTP/1.1 2", 0) == 0);
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

/// The account as new, without files but so many of purpose voice_clone, ids from 1.
inline void reset(int count) {
    control("POST", "reset");
    control("DELETE", "files");
    if (count > 0)
        control("POST", "files",
            "{\"count\": " + std::to_string(count) + ", \"first_id\": 1, \"purpose\": \"voice_clone\"}");
}

inline void script(const std::string &fault) { control("POST", "faults", fault); }
inline long requests(const std::string &what = "count") { return std::atol(control("GET", what).c_str()); }

/// Of one attempt a call, so that each fault is seen as it is.
inline mmx::Config config() {
    mmx::Config config;
    config.base_url = setting("MMX_TEST_HTTP") + "/t/" + account();
    config.api_key = setting("MMX_TEST_KEY");
    config.max_attempts = 1;
    return config;
}

/// A folder for the program's files, removed at its end.
struct Folder {
    std::filesystem::path path;
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "mmx-test-XXXXXX").string();
        CHECK(mkdtemp(name.data()));
        path = name;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

inline std::string content_of(const std::filesystem::path &path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
