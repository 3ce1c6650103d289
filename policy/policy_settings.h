// The texts of a PolicyChoice by their names in the catalogue.
#pragma once

#include <string_view>

#include "model/policy_catalogue.h"

namespace ballast {

// `otherwise` where it was not chosen. As long as `choice` and `otherwise` live.
std::string_view text_of(const PolicyChoice& choice, std::string_view name,
                         std::string_view otherwise);

}  // namespace ballast
