// What the kernel's driver makes of a text that is written to one of its attributes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controller/attributes.h"

namespace ballast::conform {

// The text that means the same to Ballast as `value` meant to the driver, which took it: some that
// the driver takes are refused here, because they hardly ever mean what they do (docs/cmm.md,
// "Refused values"). nullopt: there is none, as far as is known. Pure.
struct Same {
    std::string text;
    bool exact = true;  // false: the driver's is beyond what Ballast takes; this is the nearest
};
std::optional<Same> same_to_ballast(Attribute attribute, std::string_view value);

}  // namespace ballast::conform
