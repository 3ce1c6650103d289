// What Ballast's own versions of peers' policies make of the inputs of golden vectors.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.h"

namespace ballast::vectors {

// The output for an input of that kind, in the vectors' form. Errors: invalid_argument, with the
// place and what was expected there, or the kinds there are.
Result<nlohmann::json> cpuplugd_output(std::string_view kind, const nlohmann::json& input);
Result<nlohmann::json> squeezed_output(std::string_view kind, const nlohmann::json& input);

}  // namespace ballast::vectors
