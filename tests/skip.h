// Tests that cannot run on every machine.
#pragma once

#include <string_view>

namespace ballast {

// Says on standard output that the test case that is running ends here without having checked what
// it is for, and what is missing: `why`. The caller returns. scripts/test counts these lines.
void skip(std::string_view why);

}  // namespace ballast
