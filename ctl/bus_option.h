// Which event bus a command reads, and what it says where it cannot.
#pragma once

#include <string>
#include <system_error>
#include <tl/expected.hpp>

#include "ctl/exit_status.h"
#include "ctl/session.h"

namespace ballast::ctl {

// Where a daemon has its bus by default.
inline constexpr const char* kDefaultBus = "/run/ballast/events";

// For a command line without --bus: $BALLAST_BUS, else what the daemon at --api says it writes,
// else kDefaultBus (no daemon answers, or an old one that does not say). Blocks for one request.
// Errors: failed, where the daemon's bus is off.
tl::expected<std::string, CommandFailure> find_bus(const Session& session);

// What opening or reading a bus threw. A bus that is not there is a daemon that cannot be reached.
CommandFailure bus_failure(const std::system_error& error);

}  // namespace ballast::ctl
