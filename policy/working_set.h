// What a guest has in use, estimated from what it tells: programs, the page cache it cannot do
// without, and how fast it grows. For policy `ballast`; docs/policies.md explains it.
#pragma once

#include <cstdint>
#include <limits>

#include "model/domain.h"

namespace ballast {

// Shares are 0..1.
struct WorkingSetSettings {
    double growth_s = 30;  // growth is what it uses more than at any time so long before
    double growth_half_life_s = 1800;
    double cache_share = 0.20;       // of what programs use, page cache taken for in use at first
    double cache_relax_per_h = 0.5;  // share of that given up in an hour without refaults
    double stall_share = 0.0005;     // of its time that a guest may wait for what it reads back
    double fault_s = 0.0001;         // that it waits for a page
};

// One guest's figures at one moment, in bytes and counts. Hints: whatever they are is harmless.
struct GuestFigures {
    double total = 0;
    double kept = 0;    // 0..total
    double usable = 0;  // MemAvailable
    double cache = 0;
    std::uint64_t major_faults = kUnknownBytes;
    bool late = false;  // all but `total` and `kept` may be of before its balloon last moved
    // What it was asked to keep and may keep by now: sizes are reported later than statistics.
    double least_kept = std::numeric_limits<double>::infinity();
};

// One thread.
class WorkingSet {
  public:
    // `passed_s` since the last look, > 0.
    void look(const GuestFigures& told, double passed_s, const WorkingSetSettings& settings);
    // It was not looked at in between: what changed meanwhile tells nothing.
    void interrupt() noexcept { known_ = false; }

    // By programs and kernel.
    double used() const noexcept { return used_; }
    // Of that, page cache in use beside it.
    double cache_share() const noexcept { return cache_share_; }
    // The largest of late, within growth_s to twice that.
    double growth() const noexcept { return growth_; }
    // Size and statistics belong together. Not so for a moment after its balloon has moved, as
    // statistics come later, nor before it has told some since: then `used` is what it uses at
    // least.
    bool settled() const noexcept { return !late_ && still_s_ >= kSettle_s; }

  private:
    static constexpr double kSettle_s = 2;  // statistics are a second apart, and a tick late

    void settle(const GuestFigures& told, double passed_s);
    void judge_growth(double passed_s, const WorkingSetSettings& settings);
    void judge_cache(const GuestFigures& told, double passed_s, const WorkingSetSettings& settings);

    bool known_ = false;
    double kept_ = 0;          // at the last look
    double kept_settled_ = 0;  // when last settled
    double still_s_ = 0;       // so long its size has been the same, as far as is known
    bool late_ = false;        // as told at the last look
    double used_ = 0;
    double growth_ = 0;
    double window_s_ = 0;  // since the window of `least_used_` began
    double least_used_ = 0;
    double least_used_before_ = 0;  // in the window before
    double cache_share_ = -1;       // < 0 = not judged yet
    double quiet_s_ = 0;            // since it last read back what was taken
    double patience_s_ = 600;       // so long before it is tried with less
    std::uint64_t faults_ = kUnknownBytes;
};

}  // namespace ballast
