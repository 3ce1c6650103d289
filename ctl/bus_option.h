// Which event bus a command reads, and what it says where it cannot.
#pragma once

#include <string>
#include <system_error>

#include "ctl/exit_status.h"
#include "ctl/session.h"

namespace ballast::ctl {

// $BALLAST_BUS, or where a daemon has it by default.
std::string default_bus();

// What opening or reading a bus threw. A bus that is not there is a daemon that cannot be reached.
CommandFailure bus_failure(const std::system_error& error);

}  // namespace ballast::ctl
