// Whether a guest runs short of memory, by its own figures.
#pragma once

#include <cstdint>

namespace ballast {

// As told by the guest, which may lie: it only ever gets its own memory back by that.
struct DistressFigures {
    std::uint64_t kept_bytes = 0;    // total less what is lent
    std::uint64_t usable_bytes = 0;  // kUnknownBytes where not told
    double major_faults_per_s = 0;   // 0 where not told
};

struct DistressLimits {
    std::uint64_t below_bytes = 0;    // 0 = no guest is ever short
    std::uint64_t below_percent = 0;  // of what it keeps
    double faults_per_s = 0;          // 0 = faults do not count
};

// Pure. Short: usable is below both limits; or below four times that while it faults as often as
// the limit says.
bool in_distress(const DistressFigures& guest, const DistressLimits& limits) noexcept;

// Pure. What the guest can lend in addition, by its own figures, and still be a quarter above the
// limits below which it is short: asking for more would make it short by our own doing. Less than
// 1/256 of what it keeps counts as nothing, so that small changes of its figures move no balloon.
// Largest value: no bound (usable memory is not told, or no guest is ever short).
std::uint64_t lendable_before_short(const DistressFigures& guest,
                                    const DistressLimits& limits) noexcept;

}  // namespace ballast
