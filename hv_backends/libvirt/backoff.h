// Waits between attempts at something that fails: doubling from a least to a greatest wait.
#pragma once

#include "base/clock.h"

namespace ballast {

// Arithmetic only; not thread-safe.
class Backoff {
  public:
    // `min` is at least 1 ms, `max` at least `min`; smaller values are raised.
    Backoff(Duration min, Duration max) noexcept;

    // Whether an attempt may be made: at once after a success, else when the wait is over.
    bool due(Time now) const noexcept { return !failing_ || now >= next_; }
    void failed(Time now) noexcept;
    void succeeded() noexcept { failing_ = false; }

    // How long after the last failure the next attempt is due; 0 after a success.
    Duration wait() const noexcept { return failing_ ? wait_ : Duration::zero(); }

  private:
    Duration min_;
    Duration max_;
    Duration wait_{};
    Time next_{};
    bool failing_ = false;
};

}  // namespace ballast
