// The whole of ballastctl but main.
#pragma once

#include <string>
#include <vector>

#include "ctl/exit_status.h"
#include "ctl/session.h"

namespace ballast::ctl {

// Runs one command line (without the program's name). Never throws.
ExitStatus run_cli(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace ballast::ctl
