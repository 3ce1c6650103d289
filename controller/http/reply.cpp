#include "controller/http/reply.h"

namespace ballast {
namespace {

constexpr std::string_view kJsonType = "application/json";

int status_of(Errc code) noexcept {
    switch (code) {
        case Errc::invalid_argument:
            return 400;
        case Errc::permission:
            return 403;
        case Errc::not_found:
            return 404;
        case Errc::refused:
            return 409;
        case Errc::io:
            return 500;
        case Errc::unsupported:
            return 501;
        case Errc::bad_data:
            return 502;
        case Errc::busy:
        case Errc::unavailable:
            return 503;
        case Errc::timed_out:
            return 504;
    }
    return 500;
}

}  // namespace

Response json_reply(const Json& json, int status) {
    return {status, std::string(kJsonType), to_text(json), ""};
}

Response text_reply(int status, std::string_view line) {
    return {status, "text/plain; charset=utf-8", std::string(line) + "\n", ""};
}

Response error_reply(const Error& error) {
    return json_reply(error_json(to_string(error.code), error.message(), error.sys_errno),
                      status_of(error.code));
}

Response error_reply(int status, std::string_view code, std::string_view message) {
    return json_reply(error_json(code, message), status);
}

}  // namespace ballast
