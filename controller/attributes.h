// The kernel driver's attributes as text: their names, how values read, how refusals answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ballast {

enum class Attribute : std::uint8_t {
    delay,
    hotplug_delay,
    oom_kb,
    min_mem_mb,
    debug,
    simulate,
    disable,
    loaned_kb,
    loaned_target_kb,
    oom_freed_kb,
    simulate_loan_target_kb,
};

std::string_view to_string(Attribute attribute) noexcept;
// Errors: not_found (ENOENT) with the list of names.
Result<Attribute> attribute_from_name(std::string_view name);

// True for attributes that exist once for the daemon, not per domain (delay, debug, simulate).
bool is_global(Attribute attribute) noexcept;

// Reads a value an operator wrote. Numbers are decimal, without sign or unit. Errors follow the
// driver where it refuses (EINVAL, ERANGE, EBADMSG, EACCES for read-only), and refuse too what it
// reads oddly: "abc" or "0x5" for oom_freed_kb, "-1" for disable, sizes and delays that would wrap
// around.
Result<std::uint64_t> parse_attribute(Attribute attribute, std::string_view value);

}  // namespace ballast
