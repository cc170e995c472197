// with: two_units_second.hpp
// Two units with the header in one program, one of them without exceptions: each has its own functions.
#include "check.hpp"

mmx_status second_removes(const char *url, const char *key, std::int64_t file_id);

int main() {
    reset(2);
    const mmx::Config settings = config();
    CHECK(second_removes(settings.base_url.c_str(), settings.api_key.c_str(), 1) == MMX_OK);
    CHECK(second_removes(settings.base_url.c_str(), settings.api_key.c_str(), 1) == MMX_ERROR_NOT_FOUND);
    const mmx::Client client(settings);
    client.remove(2, "voice_clone");
    try {
        client.remove(2, "voice_clone");
        failed(__FILE__, __LINE__, "it throws");
    } catch (const mmx::NotFoundError &) {}
    return 0;
}
