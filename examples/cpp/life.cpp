// The life of a file: ./life PATH PURPOSE uploads it, downloads, compares and deletes it again.
// The key is in MINIMAX_API_KEY.
//
// c++ -std=c++17 -Iinclude examples/cpp/life.cpp -Ltarget/release -lmmx -o life
#include <mmx.hpp>

#include <fstream>
#include <iostream>
#include <sstream>

int main(int argc, char **argv) {
    if (argc != 3) {
        std::cerr << "usage: " << argv[0] << " PATH PURPOSE\n";
        return 2;
    }
    try {
        const mmx::Client client;
        mmx::Call call;
        call.progress = [](std::int64_t done, std::int64_t total) {
            std::cerr << '\r' << done << " of " << total << " bytes";
            return true; // false cancels
        };
        const mmx::File file = client.upload(argv[1], argv[2], call);
        std::cout << "\nuploaded: " << file.file_id << ", " << file.filename << "\n";
        std::ostringstream original;
        original << std::ifstream(argv[1], std::ios::binary).rdbuf();
        const bool same = client.download_string(file.file_id) == original.str();
        std::cout << (same ? "the same, byte for byte\n" : "NOT the same\n");
        client.remove(file.file_id, argv[2]);
        std::cout << "deleted: " << file.file_id << "\n";
    } catch (const mmx::RateLimitError &error) {
        std::cerr << "try again later: " << error.what() << "\n";
        return 1;
    } catch (const mmx::Error &error) {
        std::cerr << error.status_name() << "\n" << error.what() << "\n";
        if (error.is_ambiguous()) std::cerr << "it may have been carried out all the same\n";
        return 1;
    }
    return 0;
}
