// A clock that moves only when told to.
#pragma once

#include "base/clock.h"

namespace ballast {

// One thread moves it; others may read it only while it stands still.
class VirtualClock final : public Clock {
  public:
    explicit VirtualClock(Time start = Time{}, WallTime wall_start = WallTime{}) noexcept
        : start_(start), now_(start), wall_start_(wall_start) {}

    Time now() const noexcept override { return now_; }
    WallTime wall_now() const noexcept override {
        return wall_start_ + std::chrono::duration_cast<WallTime::duration>(now_ - start_);
    }
    // Moves forward to `then`; a time in the past is ignored.
    void advance_to(Time then) noexcept {
        if (then > now_) now_ = then;
    }
    void advance(Duration by) noexcept { advance_to(now_ + by); }

  private:
    Time start_;
    Time now_;
    WallTime wall_start_;
};

}  // namespace ballast
