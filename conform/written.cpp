#include "conform/written.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "base/units.h"

namespace ballast::conform {
namespace {

// kstrtoul: the whole text is one number, by its prefix decimal, octal or hexadecimal.
std::optional<std::uint64_t> whole_number(std::string_view value) {
    std::string text(value);
    if (!text.empty() && text.back() == '\n') text.pop_back();
    if (text.empty() || text[0] == '-' || text.find_first_of(" \t") != std::string::npos)
        return std::nullopt;
    errno = 0;
    char* end = nullptr;
    const unsigned long long number = std::strtoull(text.c_str(), &end, 0);
    if (errno != 0 || *end != '\0') return std::nullopt;
    return number;
}

// simple_strtoul in base 10: the digits at the start; no digits are 0, too many wrap around.
std::uint64_t leading_digits(std::string_view value) {
    std::uint64_t number = 0;
    for (const char c : value) {
        if (c < '0' || c > '9') break;
        number = number * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return number;
}

// A number of MiB whose bytes are kept in 64 bits; what is left may still be more than anything
// has.
std::uint64_t wrapped_mib(std::uint64_t mib) {
    constexpr std::uint64_t most_mib = std::uint64_t{1} << 43U;
    return std::min(mib * kMiB / kMiB, most_mib);
}

}  // namespace

std::optional<Same> same_to_ballast(Attribute attribute, std::string_view value) {
    const auto number = whole_number(value);
    const auto within = [&number](std::uint64_t least, std::uint64_t most) -> std::optional<Same> {
        if (!number) return std::nullopt;
        const std::uint64_t nearest = std::clamp(*number, least, most);
        return Same{std::to_string(nearest), nearest == *number};
    };
    switch (attribute) {
        case Attribute::oom_freed_kb:
            // Whatever it takes clears the credit.
            return Same{"0"};
        case Attribute::disable: {
            const auto wrapped = static_cast<std::uint32_t>(leading_digits(value));
            if (wrapped > 1) return std::nullopt;
            return Same{std::to_string(wrapped)};
        }
        case Attribute::simulate_loan_target_kb:
            return within(0, std::uint64_t{1} << 53U);
        case Attribute::min_mem_mb:
            if (!number) return std::nullopt;
            return Same{std::to_string(wrapped_mib(*number)), wrapped_mib(*number) == *number};
        case Attribute::oom_kb:
            return within(0, UINT32_MAX);
        case Attribute::delay:
            // What the driver makes of it shows in when it polls, which is taken from the trace.
            return within(1, 3600);
        case Attribute::hotplug_delay:
            return within(0, 3600);
        case Attribute::debug:
            return within(0, 1);
        case Attribute::simulate:
        case Attribute::loaned_kb:
        case Attribute::loaned_target_kb:
            break;
    }
    return std::nullopt;
}

}  // namespace ballast::conform
