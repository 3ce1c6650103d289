#include "controller/shrunk_balloon.h"

#include <algorithm>
#include <chrono>

#include "base/saturating.h"
#include "base/units.h"

namespace ballast {
namespace {

// QEMU reports a balloon that goes on changing once a second at most, and libvirt passes that on
// late where the host is busy.
constexpr Duration kSettleTime = std::chrono::seconds(3);
// No statistics since: the guest may not have run at all. Beyond this they are not waited for.
constexpr Duration kSettleTimeWithoutStats = std::chrono::seconds(10);
// A driver that was replaced fills its balloon at once.
constexpr Duration kRefillPatience = std::chrono::milliseconds(2500);
// The same, while the guest reports nothing.
constexpr Duration kSilentRefillPatience = std::chrono::seconds(5);
// Short so long before the balloon shrank is short then.
constexpr Duration kShortBefore = std::chrono::seconds(5);

// What guests still report as usable when they run out: the kernel's reserves, and an error of the
// estimate that grows with the guest.
constexpr std::uint64_t kLeastMarginBytes = 16 * kMiB;
constexpr std::uint64_t kMarginPart = 32;

constexpr DomainFlags kNotOfNow = DomainFlags::late_stats | DomainFlags::stale_stats |
                                  DomainFlags::bad_stats | DomainFlags::unanswered |
                                  DomainFlags::starting;
constexpr DomainFlags kStandsStill = DomainFlags::paused | DomainFlags::migrating |
                                     DomainFlags::saving | DomainFlags::crashed |
                                     DomainFlags::unanswered | DomainFlags::starting;

bool any(DomainFlags flags, DomainFlags of) noexcept {
    return (flags & of) != DomainFlags::none;
}

bool stands_still(DomainFlags flags, const DomainControl& control) noexcept {
    return control.paused || control.migrating || any(flags, kStandsStill);
}

// Whether a loan that was replaced may still be what the guest moves to.
bool follows_replaced(DomainFlags flags, std::uint64_t loaned, Time now,
                      DomainControl& control) noexcept {
    ReplacedRequest& replaced = control.replaced;
    if (replaced.least_bytes == kUnknownBytes) return false;
    if (!replaced.dated) {
        replaced.dated = true;
        replaced.at = now;
    }
    const Duration waited = now - replaced.at;
    const bool has_run = !has(flags, DomainFlags::late_stats) && !stands_still(flags, control);
    if (waited >= (has_run ? kSettleTime : kSettleTimeWithoutStats)) {
        replaced = {};
        control.floor_bytes = std::min(control.floor_bytes, loaned);
    }
    return replaced.least_bytes != kUnknownBytes;
}

}  // namespace

Shortage shortage(std::uint64_t usable_bytes, std::uint64_t unused_bytes, std::uint64_t kept_bytes,
                  std::uint64_t taken_bytes) noexcept {
    const std::uint64_t margin = std::max(kLeastMarginBytes, kept_bytes / kMarginPart);
    if (usable_bytes != kUnknownBytes)
        return usable_bytes <= taken_bytes + margin ? Shortage::yes : Shortage::no;
    if (unused_bytes != kUnknownBytes && unused_bytes > taken_bytes + margin) return Shortage::no;
    return Shortage::unknown;
}

void follow_shortage(const Observation& seen, std::size_t row, Time now,
                     DomainControl& control) noexcept {
    const DomainTable& domains = seen.domains;
    if (any(domains.flags[row], kNotOfNow)) return;
    const std::uint64_t kept = less(domains.total_bytes[row], domains.loaned_bytes[row]);
    if (shortage(domains.usable_bytes[row], domains.unused_bytes[row], kept, 0) != Shortage::yes)
        return;
    control.shrunk.was_short = true;
    control.shrunk.short_at = now;
}

void replace_request(std::uint64_t loaned_bytes, DomainControl& control) noexcept {
    // Only a give-back explains that the guest lends less: towards a loan that was to grow, as one
    // that grows by a step each tick, it has nothing to take back.
    const bool gives_back =
        control.set_bytes != kUnknownBytes && control.set_bytes < control.known_loaned_bytes;
    const bool may_follow = gives_back && !control.reached_set && control.set_bytes < loaned_bytes;
    if (may_follow) {
        control.replaced.least_bytes = std::min(control.replaced.least_bytes, control.set_bytes);
        control.replaced.dated = false;
    }
    control.shrunk.open = false;
}

ShrinkCause explain_shrinking(const Observation& seen, std::size_t row, Time now,
                              DomainControl& control) noexcept {
    ShrunkBalloon& shrunk = control.shrunk;
    const DomainTable& domains = seen.domains;
    const DomainFlags flags = domains.flags[row];
    const std::uint64_t loaned = domains.loaned_bytes[row];
    const bool may_be_own = follows_replaced(flags, loaned, now, control);
    if (control.set_bytes == kUnknownBytes || (!shrunk.open && loaned >= control.floor_bytes)) {
        shrunk.open = false;
        return ShrinkCause::none;
    }
    const bool grows = shrunk.open && loaned > shrunk.last_bytes;
    if (!shrunk.open) {
        shrunk.open = true;
        shrunk.since = now;
        shrunk.from_bytes = control.floor_bytes;
        shrunk.from_rest = control.reached_set;
    }
    shrunk.last_bytes = loaned;
    const auto close = [&shrunk](ShrinkCause cause) {
        shrunk.open = false;
        return cause;
    };
    // Nothing was asked meanwhile, and a guest that ran out lends nothing by itself.
    if (loaned >= shrunk.from_bytes || (grows && shrunk.from_rest))
        return close(ShrinkCause::driver_restarted);

    const std::uint64_t kept_before = less(domains.total_bytes[row], shrunk.from_bytes);
    const std::uint64_t taken = shrunk.from_bytes - loaned;
    const std::uint64_t usable = domains.usable_bytes[row];
    const std::uint64_t unused = domains.unused_bytes[row];
    const bool of_now = !any(flags, kNotOfNow | DomainFlags::no_stats);
    const Shortage figures = shortage(usable, unused, kept_before, of_now ? taken : 0);
    const bool was_short = shrunk.was_short && shrunk.short_at + kShortBefore >= shrunk.since;

    if (may_be_own && loaned >= control.replaced.least_bytes) {
        const bool ran_out = of_now && figures == Shortage::yes;
        if (!ran_out) return close(ShrinkCause::own_move);
    }
    const bool whole = loaned == 0;
    const bool still = stands_still(flags, control);
    const bool has_stats = usable != kUnknownBytes || unused != kUnknownBytes || !of_now;
    if (!has(flags, DomainFlags::deflate_on_oom)) {
        // A driver that goes or sleeps gives everything back, and no statistics come then.
        const bool silent = still || (has_stats && !of_now);
        if (whole && shrunk.from_rest && silent) return ShrinkCause::undecided;
        return close(ShrinkCause::other);
    }
    if (still) shrunk.since = now;
    if (still && whole) return ShrinkCause::undecided;
    if (was_short || figures == Shortage::yes) return close(ShrinkCause::out_of_memory);
    const bool waited = now - shrunk.since >= (of_now ? kRefillPatience : kSilentRefillPatience);
    if (!whole) {
        // No driver gives a part back by itself but for want of memory. A refill shows meanwhile.
        const bool doubtful = figures == Shortage::no || still;
        if (doubtful && !waited) return ShrinkCause::undecided;
        return close(ShrinkCause::out_of_memory);
    }
    if (of_now && figures == Shortage::no) return close(ShrinkCause::other);
    if (has_stats && !has(flags, DomainFlags::no_stats)) return ShrinkCause::undecided;
    if (!waited) return ShrinkCause::undecided;
    return close(ShrinkCause::out_of_memory);
}

}  // namespace ballast
