#include "policy/distress.h"

#include <algorithm>

#include "model/domain.h"

namespace ballast {

bool in_distress(const DistressFigures& guest, const DistressLimits& limits) noexcept {
    if (guest.usable_bytes == kUnknownBytes) return false;
    const std::uint64_t floor_bytes =
        std::min(limits.below_bytes, guest.kept_bytes / 100 * limits.below_percent);
    if (guest.usable_bytes < floor_bytes) return true;
    const bool faults_count = limits.faults_per_s > 0;
    return faults_count && guest.major_faults_per_s >= limits.faults_per_s &&
           guest.usable_bytes / 4 < floor_bytes;
}

}  // namespace ballast
