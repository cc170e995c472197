// What the tests of ledgers share: clients with one, its facts, and processes that are killed.
#pragma once
#include "check.hpp"

#include <csignal>
#include <sys/wait.h>

inline mmx::Client recording(const std::filesystem::path &ledger) {
    control("POST", "settings", R"({"any_file": true})");
    mmx::Config with = config();
    with.ledger = ledger;
    return mmx::Client(with);
}

/// How many facts of a kind a ledger has.
inline long facts(const std::filesystem::path &ledger, const std::string &kind) {
    const std::string text = content_of(ledger), fact = "\"fact\":\"" + kind + "\"";
    long count = 0;
    for (std::size_t at = 0; (at = text.find(fact, at)) != text.npos; at += fact.size()) ++count;
    return count;
}

/// Runs in a process of its own, which kills itself at the end, or is killed when the control plane has answered.
template <class Work> void in_killed_process(Work &&work, const std::string &until = "") {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        work();
        std::raise(SIGKILL);
    }
    if (!until.empty()) {
        control("GET", until);
        kill(child, SIGKILL);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
