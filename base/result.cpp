#include "base/result.h"

#include <system_error>

namespace ballast {

std::string_view to_string(Errc code) noexcept {
    switch (code) {
        case Errc::invalid_argument:
            return "invalid_argument";
        case Errc::not_found:
            return "not_found";
        case Errc::refused:
            return "refused";
        case Errc::permission:
            return "permission";
        case Errc::busy:
            return "busy";
        case Errc::timed_out:
            return "timed_out";
        case Errc::unavailable:
            return "unavailable";
        case Errc::unsupported:
            return "unsupported";
        case Errc::bad_data:
            return "bad_data";
        case Errc::io:
            return "io";
    }
    return "unknown";
}

std::string Error::message() const {
    if (sys_errno == 0) return context;
    return context + " (" + std::generic_category().message(sys_errno) + ")";
}

Failure with_context(Error error, std::string_view context) {
    error.context.insert(0, ": ").insert(0, context);
    return Failure(std::move(error));
}

}  // namespace ballast
