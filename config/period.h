// A duration that may be 0, "off", beside those of a range.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "base/units.h"
#include "config/section.h"

namespace ballast {

// Nothing changes where the key is absent or wrong; the problem is noted.
inline void read_period(Section& section, std::string_view key, Duration& into, TimeSpan span) {
    Duration wanted = into;
    if (!section.duration(key, wanted, {Duration{0}, span.max})) return;
    if (wanted != Duration{0} && wanted < span.min) {
        section.problem(key, fmt::format("{} is {}, expected 0 (off) or {} to {}",
                                         section.full_name(key), format_duration(wanted),
                                         format_duration(span.min), format_duration(span.max)));
        return;
    }
    into = wanted;
}

}  // namespace ballast
