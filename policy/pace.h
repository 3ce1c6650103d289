// Lets a policy act at an interval of its own, whatever the length of a tick.
#pragma once

#include <optional>

#include "base/clock.h"

namespace ballast {

class Pace {
  public:
    // Whether `interval` has passed since it was last due. Ticks do not come to the microsecond:
    // a twentieth of it may be missing.
    bool due(Time now, Duration interval) {
        if (last_ && now - *last_ < interval - interval / 20) return false;
        last_ = now;
        return true;
    }
    // When it was last due.
    const std::optional<Time>& last() const noexcept { return last_; }

  private:
    std::optional<Time> last_;
};

}  // namespace ballast
