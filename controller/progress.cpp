#include "controller/progress.h"

#include <algorithm>
#include <utility>

namespace ballast {
namespace {

std::uint64_t distance(std::uint64_t a, std::uint64_t b) noexcept {
    return std::max(a, b) - std::min(a, b);
}

}  // namespace

void watch_progress(DomainControl& control, std::uint64_t loaned_bytes, bool standing_still,
                    Time now, const StuckRules& rules) noexcept {
    Progress& progress = control.progress;
    const std::uint64_t last_bytes = std::exchange(progress.last_bytes, loaned_bytes);
    if (control.set_bytes == kUnknownBytes) {
        progress.towards_bytes = kUnknownBytes;
        return;
    }
    if (progress.towards_bytes != control.set_bytes) {
        progress.towards_bytes = control.set_bytes;
        progress.nearest_bytes = last_bytes;  // when it was asked
        progress.since = now;
    }
    const std::uint64_t left = distance(loaned_bytes, control.set_bytes);
    if (left < distance(progress.nearest_bytes, control.set_bytes)) {
        progress.nearest_bytes = loaned_bytes;
        progress.since = now;
        progress.stuck = false;
        progress.wait = Duration{0};
        return;
    }
    if (left == 0 || standing_still) progress.since = now;
    if (rules.after == Duration{0} || now - progress.since < rules.after) return;

    progress.stuck = true;
    progress.wait =
        progress.wait == Duration{0} ? rules.after : std::min(2 * progress.wait, rules.retry_max);
    progress.retry_at = now + progress.wait;
    progress.since = now;
    if (control.set_bytes > loaned_bytes) control.realign = Realign::due;
    // Perhaps it lends nothing, and never said so.
    if (control.set_bytes == 0) control.silent_since = now;
}

}  // namespace ballast
