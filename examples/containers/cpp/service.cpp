// Deletes files: reads lines of "FILE_ID PURPOSE" and prints what became of each file, until the input ends or SIGTERM comes.
#include <mmx.hpp>

#include <csignal>
#include <iostream>
#include <unistd.h>

namespace {

const mmx::CancelToken *stop = nullptr;

// The first process of a container gets no signal that it has no handler for.
extern "C" void on_term(int) {
    stop->trigger();
    close(STDIN_FILENO); // No further line is read, also if none is being read just now.
}

void remove(const mmx::Client &client, const mmx::FileRef &file, const mmx::Call &call) {
    try {
        client.remove(file.file_id, file.purpose, call);
        std::cout << file.file_id << " deleted" << std::endl;
    } catch (const mmx::Error &error) {
        std::cout << file.file_id << (error.is_ambiguous() ? " unknown: " : " failed: ") << error.message()
                  << std::endl;
    }
}

} // namespace

int main() {
    try {
        const mmx::CancelToken token;
        stop = &token;
        std::signal(SIGTERM, on_term);
        const mmx::Client client; // Key and base URL from the environment.
        mmx::Call call;
        call.cancel = token;
        mmx::FileRef file;
        while (!token.is_triggered() && std::cin >> file.file_id >> file.purpose) remove(client, file, call);
    } catch (const mmx::Error &error) {
        std::cerr << error.message() << "\n";
        return 1;
    }
    return 0;
}
