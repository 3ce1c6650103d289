#include "controller/host_reserve.h"

#include <algorithm>

#include "base/units.h"
#include "model/domain.h"

namespace ballast {
namespace {

constexpr std::uint64_t kReservePart = 8;
constexpr std::uint64_t kLargestReserve = 2 * kGiB;

}  // namespace

std::uint64_t reserve_of(const HostState& host, const HostSettings& settings) noexcept {
    if (!settings.automatic_reserve) return settings.reserve_bytes;
    if (host.total_bytes == kUnknownBytes) return 0;
    return std::min(host.total_bytes / kReservePart, kLargestReserve);
}

}  // namespace ballast
