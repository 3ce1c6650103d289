#include "base/clock.h"

#include <ctime>

namespace ballast {

Time SystemClock::now() const noexcept {
    return Time(std::chrono::steady_clock::now().time_since_epoch());
}

WallTime SystemClock::wall_now() const noexcept {
    return std::chrono::system_clock::now();
}

Duration thread_cpu_time() noexcept {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

}  // namespace ballast
