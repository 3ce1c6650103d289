#include "hv_backends/libvirt/backoff.h"

#include <algorithm>

namespace ballast {

Backoff::Backoff(Duration min, Duration max) noexcept
    : min_(std::max<Duration>(min, std::chrono::milliseconds(1))), max_(std::max(min_, max)) {}

void Backoff::failed(Time now) noexcept {
    // Halving the limit, not doubling the wait: no overflow for any `max`.
    if (!failing_)
        wait_ = min_;
    else
        wait_ = wait_ > max_ / 2 ? max_ : wait_ * 2;
    failing_ = true;
    next_ = now + wait_;
}

}  // namespace ballast
