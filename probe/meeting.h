// Where readers wait for one another.
#pragma once

#include <atomic>
#include <cstddef>
#include <latch>

namespace ballast::probe {

// A place that `readers` threads leave only once all have come. The kernel's has its condition the
// wrong way round: there, all but the last leave at once, and the last has nobody to wait for.
class Meeting {
  public:
    explicit Meeting(unsigned readers) : missing_(static_cast<std::ptrdiff_t>(readers)) {}

    // Comes, and does `meanwhile` until all have; false: `given_up` is set. Never sleeps.
    template <class Meanwhile>
    bool wait(const std::atomic<bool>& given_up, Meanwhile&& meanwhile) {
        missing_.count_down();
        while (!missing_.try_wait()) {
            if (given_up.load(std::memory_order_relaxed)) return false;
            meanwhile();
        }
        return true;
    }

  private:
    std::latch missing_;
};

}  // namespace ballast::probe
