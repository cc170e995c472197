// The second unit of two_units.cpp, built without exceptions.
#include <mmx.hpp>

mmx_status second_removes(const char *url, const char *key, std::int64_t file_id);

mmx_status second_removes(const char *url, const char *key, std::int64_t file_id) {
    mmx::Config config;
    config.base_url = url;
    config.api_key = key;
    const auto client = mmx::Client::create(config);
    return client ? client->try_remove(file_id, "voice_clone").error().status() : client.error().status();
}
