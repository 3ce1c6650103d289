#include "base/clock.h"

namespace ballast {

Time SystemClock::now() const noexcept {
    return Time(std::chrono::steady_clock::now().time_since_epoch());
}

WallTime SystemClock::wall_now() const noexcept {
    return std::chrono::system_clock::now();
}

}  // namespace ballast
