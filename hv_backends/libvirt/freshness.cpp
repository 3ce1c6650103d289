#include "hv_backends/libvirt/freshness.h"

#include <algorithm>
#include <utility>

namespace ballast {
namespace {

constexpr Duration kSettleTime = std::chrono::seconds(10);
constexpr int kStalePeriods = 5;
// Statistics with a short period may come late on a busy host.
constexpr Duration kLeastStaleTime = std::chrono::seconds(5);

}  // namespace

void Freshness::restart(Time now) noexcept {
    if (last_update_s_ != 0) before_s_ = last_update_s_;
    last_update_s_ = 0;
    since_ = now;
    moved_at_ = now;
}

DomainFlags Freshness::update(std::uint64_t last_update_s, std::uint32_t period_s, bool running,
                              Time now, Duration age) noexcept {
    // 0: not told this time, which is no news.
    if (last_update_s != 0 && last_update_s != last_update_s_ && last_update_s != before_s_) {
        const bool is_first = std::exchange(last_update_s_, last_update_s) == 0;
        before_s_ = 0;
        moved_at_ = sent_at_ = is_first ? now - std::max(age, Duration{0}) : now;
    }
    if (!running) moved_at_ = since_ = now;

    if (last_update_s_ == 0)
        return now - since_ < kSettleTime ? DomainFlags::starting : DomainFlags::no_stats;
    if (period_s == 0) return DomainFlags::none;
    const Duration limit =
        std::max<Duration>(kLeastStaleTime, std::chrono::seconds(period_s) * kStalePeriods);
    return now - moved_at_ > limit ? DomainFlags::stale_stats : DomainFlags::none;
}

}  // namespace ballast
