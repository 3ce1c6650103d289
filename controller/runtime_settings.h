// Settings that operators make while the daemon runs, as text that outlives it:
// "disable=1 min_mem_mb=512".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "controller/attributes.h"
#include "controller/resolve.h"

namespace ballast {

// Puts an operator's value where it belongs among the overridable settings; what is none of them is
// passed over.
void set_override(Attribute attribute, std::uint64_t value, DomainOverride& into);

// Empty where nothing is set.
std::string to_text(const DomainOverride& settings);
std::string to_text(const RuntimeSettings& settings);

// Reads what to_text made. What does not parse is passed over, and logged with `whose`.
DomainOverride domain_settings_from(std::string_view text, std::string_view whose);
RuntimeSettings runtime_settings_from(std::string_view text);

}  // namespace ballast
