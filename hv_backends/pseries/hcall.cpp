#include "hv_backends/pseries/hcall.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ballast::pseries {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::pair<HvStatus, std::string_view>, 16> kNames{{
    {HvStatus::success, "H_SUCCESS"},
    {HvStatus::busy, "H_BUSY"},
    {HvStatus::long_busy_1_msec, "H_LONG_BUSY_ORDER_1_MSEC"},
    {HvStatus::long_busy_10_msec, "H_LONG_BUSY_ORDER_10_MSEC"},
    {HvStatus::long_busy_100_msec, "H_LONG_BUSY_ORDER_100_MSEC"},
    {HvStatus::long_busy_1_sec, "H_LONG_BUSY_ORDER_1_SEC"},
    {HvStatus::long_busy_10_sec, "H_LONG_BUSY_ORDER_10_SEC"},
    {HvStatus::long_busy_100_sec, "H_LONG_BUSY_ORDER_100_SEC"},
    {HvStatus::hardware, "H_HARDWARE"},
    {HvStatus::function, "H_FUNCTION"},
    {HvStatus::privilege, "H_PRIVILEGE"},
    {HvStatus::parameter, "H_PARAMETER"},
    {HvStatus::not_found, "H_NOT_FOUND"},
    {HvStatus::no_mem, "H_NO_MEM"},
    {HvStatus::authority, "H_AUTHORITY"},
    {HvStatus::resource, "H_RESOURCE"},
}};

constexpr std::array<Duration, 6> kHints{1ms, 10ms, 100ms, 1s, 10s, 100s};

}  // namespace

std::string_view to_string(HvStatus status) noexcept {
    const auto found = std::find_if(kNames.begin(), kNames.end(),
                                    [status](const auto& item) { return item.first == status; });
    return found == kNames.end() ? "H_UNKNOWN" : found->second;
}

std::optional<HvStatus> hv_status_from(std::string_view name) noexcept {
    const auto found = std::find_if(kNames.begin(), kNames.end(),
                                    [name](const auto& item) { return item.second == name; });
    if (found == kNames.end()) return std::nullopt;
    return found->first;
}

std::optional<Duration> long_busy_hint(HvStatus status) noexcept {
    const auto order =
        static_cast<std::int64_t>(status) - static_cast<std::int64_t>(HvStatus::long_busy_1_msec);
    if (order < 0 || order >= static_cast<std::int64_t>(kHints.size())) return std::nullopt;
    return kHints[static_cast<std::size_t>(order)];
}

}  // namespace ballast::pseries
