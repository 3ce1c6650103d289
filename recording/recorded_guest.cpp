// What a guest needed over time, by what it and its hypervisor reported.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/saturating.h"
#include "base/units.h"
#include "recording/recorded_figures.h"

namespace ballast {
namespace {

constexpr std::uint64_t kMostShares = 10000;
// A guest tells its figures, and its host its balloon, late by a period at most. After this time
// they belong together.
constexpr double kSettled_s = 10;
constexpr double kSizeLate_s = 2.5;
// A balloon that moved less than this share of its guest leaves its figures as good as they were.
constexpr std::uint64_t kSmallMoves = 64;
// Of a move, what QEMU reports first.
constexpr std::uint64_t kFirstPart = kMiB;

bool moved_much(std::uint64_t from, std::uint64_t to, const RecordedGuest& guest) noexcept {
    return std::max(from, to) - std::min(from, to) > guest.total_bytes / kSmallMoves;
}

}  // namespace

void RecordedHost::add(const RecordedGuest& row) {
    const double at_s = time(row.at_s);
    const auto found = guest_of_.find(row.domain);
    if (found == guest_of_.end()) return;
    Guest& guest = guests_[found->second];
    if (row.total_bytes == 0 || row.total_bytes > kMostBytes) {
        ++guest.contradictions;
        return;
    }
    if (guest.there && round_ - guest.told_round >= kRoundsUntilGone)
        change(guest.told_s, found->second, WorkloadChangeKind::goes);
    change(at_s, found->second, WorkloadChangeKind::comes);
    guest.capacity_bytes = std::max(guest.capacity_bytes, row.total_bytes);
    if (!guest.last && !guest.came) guest.first = row;
    guest.all_sizes |= row.loaned_bytes;
    measure_balloon(guest, row, at_s);
    use_plainly(guest, row, at_s);
    if (row.shares) guest.shares = static_cast<std::uint32_t>(std::min(*row.shares, kMostShares));
    use(guest, row, at_s);
    count_faults(guest, row);
    guest.told_s = at_s;
    guest.told_round = round_;
    guest.last = row;
}

// What is not certain by now is forgotten.
void RecordedHost::settle(Guest& guest, double now_s) {
    auto& points = guest.demand.points;
    if (guest.in_doubt && guest.in_doubt->at_s <= now_s &&
        (points.empty() || points.back().bytes != guest.in_doubt->bytes))
        points.push_back(*guest.in_doubt);
    guest.in_doubt.reset();
}

// Nothing more is told of it: what is in doubt is better than nothing.
void RecordedHost::conclude(Guest& guest, double now_s) {
    if (guest.in_doubt && guest.demand.points.empty())
        guest.in_doubt->at_s = std::min(guest.in_doubt->at_s, now_s);
    settle(guest, now_s);
}

// Its programs' demand: what it keeps less what it could use at once.
void RecordedHost::use(Guest& guest, const RecordedGuest& row, double at_s) const {
    if (row.late && row.usable_bytes) return use_surely(guest, row, at_s);
    const std::uint64_t kept = kept_bytes(row);
    double certain_s = at_s + kSettled_s;
    guest.lags = guest.lags && guest.last;
    if (guest.last) {
        const RecordedGuest& last = *guest.last;
        const bool figures_are_new =
            row.unused_bytes != last.unused_bytes || row.usable_bytes != last.usable_bytes;
        const std::uint64_t kept_before = kept_bytes(last);
        const std::uint64_t moved = std::max(kept, kept_before) - std::min(kept, kept_before);
        const bool much = moved > row.total_bytes / kSmallMoves;
        // Where the balloon moved, the last figures may have been of after it already, and these
        // may be of before it still, unless it was told to a good while ago.
        const bool at_rest = tick_ && at_s - (tick_->at_s - *first_s_) >= kSettled_s;
        if (much && at_s - guest.told_s < kSettled_s) guest.in_doubt.reset();
        const bool lagged = std::exchange(
            guest.lags, (much && !at_rest) || (!figures_are_new && (guest.lags || moved > 0)));
        if (lagged && !much && guest.in_doubt) certain_s = std::max(at_s, guest.in_doubt->at_s);
    }
    settle(guest, at_s);
    KnownBytes idle = row.usable_bytes;
    if (!idle && row.unused_bytes) {
        idle = *row.unused_bytes + std::min(row.cache_bytes.value_or(0), kMostBytes);
        guest.without_usable = true;
    }
    if (!idle) return;
    if (*idle <= kept)
        guest.in_doubt = {guest.lags ? certain_s : at_s, static_cast<double>(kept - *idle)};
    else if (!guest.lags)
        ++guest.contradictions;
}

// The daemon knew whether its figures may be of before its balloon last moved. Sizes come later
// than statistics: while a balloon moves it may be anywhere on its way, and the guest is taken to
// need as much as before, as far as its figures allow that.
void RecordedHost::use_surely(Guest& guest, const RecordedGuest& row, double at_s) const {
    const std::uint64_t kept = kept_bytes(row);
    const std::uint64_t heading = std::min(guest.heading_bytes, row.total_bytes);
    const std::uint64_t from = std::min(guest.from_bytes, row.total_bytes);
    const bool is_expected = guest.heading_bytes != kNoGoal;
    if (guest.last && at_s - guest.told_s < kSizeLate_s) {
        const bool arrived = is_expected && !moved_much(heading, row.loaned_bytes, row);
        // The figures before may have been of after the move: QEMU tells sizes later than figures.
        if (!arrived && moved_much(guest.last->loaned_bytes, row.loaned_bytes, row))
            guest.in_doubt.reset();
    }
    const bool is_known = guest.in_doubt || !guest.demand.points.empty();
    double before = 0;
    if (guest.in_doubt)
        before = guest.in_doubt->bytes;
    else if (is_known)
        before = guest.demand.points.back().bytes;
    settle(guest, at_s);
    if (*row.late && (!is_known || !is_expected)) return;
    const std::uint64_t usable = *row.usable_bytes;
    const bool is_there = !is_expected || !moved_much(heading, row.loaned_bytes, row);
    // Its first part was seen a tick ago: statistics since are of after the move.
    const bool is_done = is_there && guest.last && moved_much(from, row.loaned_bytes, row) &&
                         !moved_much(from, guest.last->loaned_bytes, row);
    if (is_known && !is_done && (*row.late || !is_there)) {
        const std::uint64_t most = row.total_bytes - std::min(from, heading);
        const std::uint64_t least = row.total_bytes - std::max(from, heading);
        if (usable > most) return;
        guest.in_doubt = {at_s, std::clamp(before, static_cast<double>(less(least, usable)),
                                           static_cast<double>(most - usable))};
    } else if (usable <= kept) {
        guest.in_doubt = {at_s, static_cast<double>(kept - usable)};
    } else if (!*row.late) {
        ++guest.contradictions;
    }
}

// A scripted guest tells no cache and could use all that is free.
void RecordedHost::use_plainly(Guest& guest, const RecordedGuest& row, double at_s) const {
    guest.tells_cache = guest.tells_cache || row.cache_bytes.value_or(0) > 0;
    guest.plain = guest.plain && !row.cache_bytes && row.unused_bytes && row.usable_bytes &&
                  *row.unused_bytes == *row.usable_bytes && *row.usable_bytes <= kept_bytes(row);
    if (!guest.plain) return;
    guest.plain_demand.points.push_back(
        {at_s, static_cast<double>(kept_bytes(row) - *row.usable_bytes)});
}

// How fast its balloon moves shows where it was on its way for all of a tick; how late its size is
// reported, where the first MiB of it was seen alone.
void RecordedHost::measure_balloon(Guest& guest, const RecordedGuest& row, double at_s) const {
    if (!guest.last || !tick_ || guest.goal_bytes == kNoGoal) return;
    const double passed_s = at_s - (tick_->at_s - *first_s_);
    const std::uint64_t from = guest.last->loaned_bytes;
    const std::uint64_t to = row.loaned_bytes;
    if (from == to || !(passed_s > 0)) return;
    const std::uint64_t distance = std::max(from, to) - std::min(from, to);
    if (guest.heading_bytes != kNoGoal && from == guest.from_bytes &&
        moved_much(from, guest.heading_bytes, row)) {
        const bool first_part = distance == kFirstPart;
        ++(first_part ? guest.late_moves : guest.prompt_moves);
        if (first_part) return;
    }
    guest.bytes_per_s = std::max(guest.bytes_per_s, static_cast<double>(distance) / passed_s);
    if (from < to ? to < guest.goal_bytes : to > guest.goal_bytes) guest.held_up = true;
}

void RecordedHost::count_faults(Guest& guest, const RecordedGuest& row) {
    if (!row.major_faults) return;
    // Those of before the recording are not counted.
    const std::uint64_t before = guest.major_faults.value_or(*row.major_faults);
    outcome_.major_faults = outcome_.major_faults.value_or(0) + grown(before, *row.major_faults);
    guest.major_faults = row.major_faults;
}

}  // namespace ballast
