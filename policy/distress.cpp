#include "policy/distress.h"

#include <algorithm>
#include <limits>

#include "base/saturating.h"
#include "model/domain.h"

namespace ballast {

namespace {

std::uint64_t floor_of(const DistressFigures& guest, const DistressLimits& limits) noexcept {
    return std::min(limits.below_bytes, guest.kept_bytes / 100 * limits.below_percent);
}

}  // namespace

bool in_distress(const DistressFigures& guest, const DistressLimits& limits) noexcept {
    if (guest.usable_bytes == kUnknownBytes) return false;
    const std::uint64_t floor_bytes = floor_of(guest, limits);
    if (guest.usable_bytes < floor_bytes) return true;
    const bool faults_count = limits.faults_per_s > 0;
    return faults_count && guest.major_faults_per_s >= limits.faults_per_s &&
           guest.usable_bytes / 4 < floor_bytes;
}

std::uint64_t lendable_before_short(const DistressFigures& guest,
                                    const DistressLimits& limits) noexcept {
    const std::uint64_t floor_bytes = floor_of(guest, limits);
    if (guest.usable_bytes == kUnknownBytes || floor_bytes == 0)
        return std::numeric_limits<std::uint64_t>::max();
    const std::uint64_t lendable = less(guest.usable_bytes, floor_bytes + floor_bytes / 4);
    return lendable < guest.kept_bytes / 256 ? 0 : lendable;
}

}  // namespace ballast
