// Deletes the speech files that are older than a week, but never more than 1,000. ./clean_up shows them;
// ./clean_up --delete deletes them. The key is in MINIMAX_API_KEY.
//
// c++ -std=c++17 -Iinclude examples/cpp/clean_up.cpp -Ltarget/release -lmmx -o clean_up
#include <mmx.hpp>

#include <iostream>

int main(int argc, char **) {
    mmx::Filter filter;
    filter.purpose = mmx::purpose::t2a_async;
    filter.older_than = std::chrono::hours(7 * 24);
    filter.max_files = 1000;
    try {
        const mmx::Client client;
        if (argc == 1) {
            for (const mmx::File &file : client.plan(filter).files)
                std::cout << file.file_id << "  " << file.filename << "\n";
            return 0;
        }
        mmx::BulkCall call;
        call.on_outcome = [](const mmx::Outcome &outcome) {
            if (outcome.error) std::cerr << outcome.file_id << ": " << outcome.error->message() << "\n";
            return true; // false stops
        };
        const mmx::Summary summary = client.prune(filter, call);
        std::cout << summary.deleted << " deleted\n";
    } catch (const mmx::PartialError &error) {
        std::cerr << error.summary()->failed << " failed, " << error.summary()->unknown << " unknown\n";
        return 1;
    } catch (const mmx::Error &error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
    return 0;
}
