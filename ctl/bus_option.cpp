#include "ctl/bus_option.h"

#include <cerrno>
#include <cstdlib>

namespace ballast::ctl {

std::string default_bus() {
    const char* const configured = std::getenv("BALLAST_BUS");
    return configured != nullptr ? configured : "/run/ballast/events";
}

CommandFailure bus_failure(const std::system_error& error) {
    if (error.code().value() != ENOENT) return {ExitStatus::failed, error.what()};
    return {ExitStatus::unreachable, std::string(error.what()) + ": no daemon has been here yet"};
}

}  // namespace ballast::ctl
