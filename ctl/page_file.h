// Writes pages for browsers into files.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "report/page.h"

namespace ballast::ctl {

// Whether a file can be written there, before long work is done for it; leaves what is in it alone.
// Errors: io; invalid_argument (it is one of the `inputs`).
Result<void> can_write(const std::string& path, const std::vector<std::string>& inputs);

// Says in it which program made it. Errors: io.
Result<void> write_page(const std::string& path, report::Page page);

}  // namespace ballast::ctl
