// Whether a guest's statistics still move.
#pragma once

#include <cstdint>

#include <optional>

#include "base/clock.h"
#include "model/domain.h"

namespace ballast {

// One per domain; not thread-safe.
class Freshness {
  public:
    // The domain was first seen, or its guest started over: statistics may take a while.
    void restart(Time now) noexcept;

    // `last_update_s` is when the guest last sent statistics, by its hypervisor's clock (0 =
    // never); only whether it changes is looked at. `period_s` 0: none are collected.
    // `starting` until the first ones arrive, while the domain runs for a few seconds at most, then
    // `no_stats`.
    // `stale_stats` when they came before and have not moved for several periods while the domain
    // ran.
    // `age` is how old the first statistics are that are seen, where the hypervisor's clock is
    // ours.
    DomainFlags update(std::uint64_t last_update_s, std::uint32_t period_s, bool running, Time now,
                       Duration age = Duration{0}) noexcept;

    // How old the guest's last statistics are; nullopt: it has sent none.
    std::optional<Duration> age(Time now) const noexcept {
        if (last_update_s_ == 0) return std::nullopt;
        return now - sent_at_;
    }
    // For how long a running guest has sent none.
    Duration silent_for(Time now) const noexcept {
        return now - (last_update_s_ == 0 ? since_ : moved_at_);
    }

    // Its balloon is of another size than at the last look. What the guest told until now may be of
    // before that.
    void balloon_moved() noexcept { late_update_s_ = last_update_s_; }
    // It has told nothing since.
    bool is_late() const noexcept {
        return last_update_s_ != 0 && last_update_s_ == late_update_s_;
    }

  private:
    std::uint64_t last_update_s_ = 0;
    std::uint64_t before_s_ = 0;  // what was told last before the guest started over
    std::uint64_t late_update_s_ = 0;
    Time sent_at_{};   // the last statistics
    Time since_{};     // restart, or the domain last stood still
    Time moved_at_{};  // last_update_s_ last changed, or the domain last stood still
};

}  // namespace ballast
