// Something that is done now and then, on the ticks that there are.
#pragma once

#include "base/clock.h"

namespace ballast {

class Periodic {
  public:
    // `period_s` is above 0. Due on the first tick, or (`later`) one period after it.
    explicit Periodic(double period_s, bool later = false)
        : period_(static_cast<Duration::rep>(period_s * 1e9)), later_(later) {}

    // Whether it is to be done on the tick at `now`. Late ticks are not made up for.
    bool due(Time now) {
        if (!begun_) {
            begun_ = true;
            next_ = now;
            if (later_) next_ += period_;
        }
        if (now < next_) return false;
        next_ += period_;
        if (next_ <= now) next_ = now + period_;
        return true;
    }

  private:
    Duration period_;
    bool later_;
    bool begun_ = false;
    Time next_{};
};

}  // namespace ballast
