// The numbers and texts of a PolicyChoice by their names in the catalogue.
#pragma once

#include <string_view>

#include "model/policy_catalogue.h"

namespace ballast {

// As chosen; by default, where the choice has fewer numbers than the policy takes. `name` is one of
// the policy's own.
double number_of(const PolicyChoice& choice, std::string_view name);
// `otherwise` where it was not chosen. As long as `choice` and `otherwise` live.
std::string_view text_of(const PolicyChoice& choice, std::string_view name,
                         std::string_view otherwise);

}  // namespace ballast
