// What our own policies answer to a golden vector's input, in the words of the vector's output.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.h"

namespace ballast::vectors {

// Each computes the output for an input of this kind. Errors: invalid_argument, with the place and
// what was expected there, where the kind is not known or the input is not of its form.
Result<nlohmann::json> mom_output(std::string_view kind, const nlohmann::json& input);
// Also kinds `test` and `sim`: computations one after the other, {"steps": [...]}.
Result<nlohmann::json> proxmox_output(std::string_view kind, const nlohmann::json& input);
// Wishes for single domains are served in the order of the input.
Result<nlohmann::json> qmemman_output(std::string_view kind, const nlohmann::ordered_json& input);
Result<nlohmann::json> squeezed_output(std::string_view kind, const nlohmann::json& input);
Result<nlohmann::json> cpuplugd_output(std::string_view kind, const nlohmann::json& input);

}  // namespace ballast::vectors
