// Every class of error, and everything that an error has.
#include "check.hpp"

#include <sys/resource.h>
#include <typeinfo>

using namespace std::chrono_literals;

namespace {

/// The call throws exactly this class, which is its bases, too, and has the status that the try_ form would return.
template <class E, class F> E thrown(mmx_status status, F &&call) {
    try {
        call();
    } catch (const mmx::Error &error) {
        if (typeid(error) != typeid(E)) failed(__FILE__, __LINE__, std::string(typeid(E).name()) + ": " + error.what());
        CHECK(error.status() == status && error.status_name() == mmx_status_name(status));
        CHECK(error.what() == error.message() && !error.message().empty());
        CHECK(error.json().find("\"status\":" + std::to_string(status)) != std::string::npos);
        CHECK((dynamic_cast<const mmx::ApiError *>(&error) != nullptr) == (status >= 20 && status <= 29));
        return dynamic_cast<const E &>(error);
    }
    failed(__FILE__, __LINE__, typeid(E).name());
}

template <class E> E refused(const mmx::Client &client, mmx_status status, const std::string &fault) {
    reset(1);
    script(fault);
    return thrown<E>(status, [&] { client.remove(1, "voice_clone"); });
}

} // namespace

int main() {
    const mmx::Client client(config());
    thrown<mmx::InvalidArgumentError>(MMX_ERROR_INVALID_ARGUMENT, [&] { client.remove(0, "voice_clone"); });
    const auto file = thrown<mmx::FileError>(MMX_ERROR_FILE, [&] { client.upload("/nowhere/a.mp3", "voice_clone"); });
    CHECK(file.error_number() == ENOENT && file.call() == "upload_file" && !file.is_ambiguous());
    thrown<mmx::ConnectError>(MMX_ERROR_CONNECT, [&] {
        mmx::Config nobody = config();
        nobody.base_url = "http://127.0.0.1:1";
        mmx::Client(nobody).remove(1, "voice_clone");
    });
    const auto network =
        refused<mmx::NetworkError>(client, MMX_ERROR_NETWORK, R"({"times": -1, "close_before_answer": "fin"})");
    CHECK(network.is_ambiguous() && network.attempts() == 1);
    reset(1);
    script(R"({"times": -1, "hang": true})");
    mmx::Call hasty;
    hasty.timeout = 50ms;
    thrown<mmx::TimeoutError>(MMX_ERROR_TIMEOUT, [&] { client.remove(1, "voice_clone", hasty); });
    thrown<mmx::CancelledError>(MMX_ERROR_CANCELLED, [&] {
        mmx::Call cancelled;
        cancelled.cancel = mmx::CancelToken();
        cancelled.cancel->trigger();
        client.remove(1, "voice_clone", cancelled);
    });
    refused<mmx::ProtocolError>(client, MMX_ERROR_PROTOCOL, R"({"times": -1, "shape": "null"})");
    refused<mmx::HttpError>(client, MMX_ERROR_HTTP, R"({"times": -1, "shape": "text_404"})");
    const auto authentication =
        refused<mmx::AuthenticationError>(client, MMX_ERROR_AUTHENTICATION, R"({"code": 1004})");
    CHECK(authentication.api_code() == 1004 && authentication.http_status() == 200 &&
          authentication.trace_id().size() == 32);
    CHECK(!authentication.api_message().empty() && authentication.call() == "delete_file" &&
          authentication.parameter().empty());
    const auto rate = refused<mmx::RateLimitError>(
        client, MMX_ERROR_RATE_LIMITED, R"({"code": 1002, "headers": {"Retry-After": "1"}})");
    CHECK(rate.retry_after() == 1000ms && !authentication.retry_after());
    refused<mmx::QuotaError>(client, MMX_ERROR_QUOTA, R"({"code": 1008})");
    refused<mmx::InvalidRequestError>(client, MMX_ERROR_INVALID_REQUEST, R"({"call": "delete", "code": 1042})");
    refused<mmx::ContentRejectedError>(client, MMX_ERROR_CONTENT_REJECTED, R"({"call": "delete", "code": 1026})");
    refused<mmx::PermissionError>(client, MMX_ERROR_PERMISSION, R"({"code": 2038})");
    refused<mmx::ServerError>(client, MMX_ERROR_SERVER, R"({"times": -1, "code": 1013})");
    refused<mmx::ServerTimeoutError>(client, MMX_ERROR_SERVER_TIMEOUT, R"({"times": -1, "code": 1001})");
    refused<mmx::ApiError>(client, MMX_ERROR_API, R"({"call": "delete", "code": 9999})");
    reset(0);
    thrown<mmx::NotFoundError>(MMX_ERROR_NOT_FOUND, [&] { client.remove(1, "voice_clone"); });

    reset(3);
    script(R"({"call": "delete", "file_id": 2, "times": -1, "code": 1026})");
    const auto partial = thrown<mmx::PartialError>(MMX_ERROR_PARTIAL, [&] { (void)client.remove_all(client.list()); });
    CHECK(partial.summary() && partial.summary()->deleted == 2 && partial.summary()->failed == 1);
    const mmx::Outcome &outcome = partial.summary()->outcomes.at(1);
    CHECK(outcome.outcome == MMX_OUTCOME_FAILED && outcome.error && outcome.error->api_code() == 1026);
    reset(3);
    mmx::Filter filter;
    filter.all = true;
    filter.max_files = 2;
    const auto guard = thrown<mmx::GuardError>(MMX_ERROR_GUARD, [&] { (void)client.prune(filter); });
    CHECK(guard.summary() && guard.summary()->plan && guard.summary()->plan->files.size() == 3 &&
          guard.summary()->kept == 3);
    CHECK(!rate.summary());

    // The try_ form throws nothing, and its value() what the other one throws.
    const mmx::Result<void> result = client.try_remove(99, "voice_clone");
    CHECK(!result && result.error().status() == MMX_ERROR_NOT_FOUND);
    thrown<mmx::NotFoundError>(MMX_ERROR_NOT_FOUND, [&] { result.value(); });
    const mmx::Result<std::vector<mmx::File>> list = client.try_list();
    CHECK(list && list->size() == 3 && (*list).front().file_id == 1 && list.error().status() == MMX_OK &&
          list.error().json().empty());
    CHECK(mmx::Failure().message().empty() && mmx::Failure().attempts() == 0 && !mmx::Failure().retry_after());

    rlimit limit{};
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const rlimit none{0, limit.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    thrown<mmx::InternalError>(MMX_ERROR_INTERNAL, [] { mmx::CancelToken token; });
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    return 0;
}
