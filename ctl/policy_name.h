// Policies as people name them.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/policy_catalogue.h"

namespace ballast::ctl {

// The policy of this name; `also` is told among those that there are. Errors: invalid_argument,
// with the one that may have been meant.
Result<const PolicyEntry*> policy_named(std::string_view name, std::string_view also = {});

}  // namespace ballast::ctl
