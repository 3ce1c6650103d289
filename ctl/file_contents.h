// A whole file, for commands that read one.
#pragma once

#include <string>

#include "base/result.h"

namespace ballast::ctl {

// Errors: io.
Result<std::string> file_contents(const std::string& path);

}  // namespace ballast::ctl
