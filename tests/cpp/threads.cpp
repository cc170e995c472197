// flags: -fsanitize=address -fno-omit-frame-pointer
// 64 threads delete with one client, whose logger and token they share; nothing leaks, nothing is used after it is freed.
#include "check.hpp"

#include <atomic>
#include <thread>

int main() {
    constexpr int threads = 64, each = 20;
    reset(threads * each);
    mmx::Config settings = config();
    std::atomic<int> lines{0}, deleted{0}, refused{0};
    settings.logger = [&](mmx::LogLevel, std::string_view) { lines++; };
    settings.log_level = mmx::LogLevel::debug;
    mmx::Call call;
    call.cancel = mmx::CancelToken();
    call.timeout = std::chrono::seconds(60);
    {
        const mmx::Client client(settings);
        std::vector<std::thread> running;
        for (int thread = 0; thread < threads; thread++) {
            running.emplace_back([&, thread] {
                for (int i = 0; i < each; i++) {
                    const int id = 1 + thread * each + i;
                    client.remove(id, "voice_clone", call);
                    deleted++;
                }
                try {
                    client.remove(0, "voice_clone", call);
                } catch (const mmx::InvalidArgumentError &error) { refused += error.parameter() == "file_id"; }
            });
        }
        for (std::thread &thread : running) thread.join();
    }
    CHECK(deleted == threads * each && refused == threads && lines >= deleted);
    CHECK(requests("count?call=delete&performed=1") == threads * each);
    CHECK(mmx::Client(config()).list().empty());
    return 0;
}
