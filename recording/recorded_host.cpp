#include "recording/recorded_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/units.h"
#include "model/domain.h"
#include "sim/trace_reader.h"

namespace ballast {
namespace {

constexpr std::uint64_t kMostShares = 10000;
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 50U;
// All guests are told once a minute, and once more where one of those was lost.
constexpr double kRound_s = 60;
constexpr std::size_t kRoundsUntilGone = 3;
// A pause between two ticks counts as a gap if it is longer than the first, and so many times
// the pause before it.
constexpr double kShortestGap_s = 60;
constexpr double kGapTimes = 3;
// A guest tells its figures, and its host its balloon, late by a period at most. After this time
// they belong together.
constexpr double kSettled_s = 10;
constexpr double kSizeLate_s = 2.5;
// A balloon that moved less than this share of its guest leaves its figures as good as they were.
constexpr std::uint64_t kSmallMoves = 64;
// Whoever is told by then was there from the start.
constexpr double kFirstTicks = 1.25;
// Log2 of pages of 4 and 64 KiB, in which balloons move.
constexpr int kLeastPageShift = 12;
constexpr int kMostPageShift = 16;

std::string span(double seconds) {
    return format_duration(std::chrono::seconds(std::llround(seconds)));
}

std::uint64_t kept_bytes(const RecordedGuest& guest) {
    return guest.total_bytes - std::min(guest.loaned_bytes, guest.total_bytes);
}

std::uint64_t grown(std::uint64_t before, std::uint64_t now) {
    return now >= before ? now - before : now;  // it started over
}

// What the host had swapped out is of those who keep more than is resident, each by as much.
void spread_swapped(std::uint64_t swapped_bytes, std::vector<WorkloadVm>& vms) {
    const auto missing = [](const WorkloadVm& vm) -> double {
        if (!vm.start || vm.start->resident_bytes == kUnknownBytes) return 0;
        const std::uint64_t kept =
            vm.capacity_bytes - std::min(vm.start->loaned_bytes, vm.capacity_bytes);
        return static_cast<double>(kept - std::min(kept, vm.start->resident_bytes));
    };
    double all = 0;
    for (const WorkloadVm& vm : vms) all += missing(vm);
    if (!(all > 0)) return;
    const double share = std::min(1.0, static_cast<double>(swapped_bytes) / all);
    for (WorkloadVm& vm : vms)
        if (vm.start)
            vm.start->host_swapped_bytes = static_cast<std::uint64_t>(missing(vm) * share);
}

}  // namespace

double RecordedHost::time(double at_s) {
    if (!first_s_) first_s_ = last_s_ = at_s;
    last_s_ = std::max(last_s_, at_s);
    return last_s_ - *first_s_;
}

void RecordedHost::add_domain(std::int64_t domain, std::string name) {
    if (!guest_of_.emplace(domain, guests_.size()).second) return;
    Guest& guest = guests_.emplace_back();
    guest.min_mem_bytes = kUnknownBytes;
    // One that was made anew under its old name is another machine.
    const std::size_t same = ++names_[name];
    guest.name = same == 1 ? std::move(name) : fmt::format("{} ({})", name, same);
}

void RecordedHost::change(double at_s, std::size_t guest, WorkloadChangeKind kind) {
    const bool comes = kind == WorkloadChangeKind::comes;
    if (guests_[guest].there == comes) return;
    guests_[guest].there = comes;
    changes_.push_back({at_s, guest, kind});
    if (comes) return;
    conclude(guests_[guest], at_s);
    guests_[guest].last.reset();  // what comes back has other figures
}

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

// The daemon knew whether its figures belong to its balloon's size.
void RecordedHost::use_surely(Guest& guest, const RecordedGuest& row, double at_s) const {
    const std::uint64_t kept = kept_bytes(row);
    if (guest.last && at_s - guest.told_s < kSizeLate_s) {
        const std::uint64_t before = kept_bytes(*guest.last);
        const std::uint64_t moved = std::max(kept, before) - std::min(kept, before);
        // The figures before may have been of after the move: QEMU tells sizes later than figures.
        if (moved > row.total_bytes / kSmallMoves) guest.in_doubt.reset();
    }
    settle(guest, at_s);
    if (*row.late) return;
    if (*row.usable_bytes <= kept)
        guest.in_doubt = {at_s, static_cast<double>(kept - *row.usable_bytes)};
    else
        ++guest.contradictions;
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

// How fast its balloon moves shows where it was on its way for all of a tick.
void RecordedHost::measure_balloon(Guest& guest, const RecordedGuest& row, double at_s) const {
    if (!guest.last || !tick_ || guest.goal_bytes == kNoGoal) return;
    const double passed_s = at_s - (tick_->at_s - *first_s_);
    const std::uint64_t from = guest.last->loaned_bytes;
    const std::uint64_t to = row.loaned_bytes;
    if (from == to || !(passed_s > 0)) return;
    const auto moved = static_cast<double>(std::max(from, to) - std::min(from, to));
    guest.bytes_per_s = std::max(guest.bytes_per_s, moved / passed_s);
    if (from < to ? to < guest.goal_bytes : to > guest.goal_bytes) guest.held_up = true;
}

void RecordedHost::count_faults(Guest& guest, const RecordedGuest& row) {
    if (!row.major_faults) return;
    // Those of before the recording are not counted.
    const std::uint64_t before = guest.major_faults.value_or(*row.major_faults);
    outcome_.major_faults = outcome_.major_faults.value_or(0) + grown(before, *row.major_faults);
    guest.major_faults = row.major_faults;
}

void RecordedHost::look_for_gap(double at_s) {
    const double pause_s = at_s - (tick_->at_s - *first_s_);
    if (pause_s_ > 0 && pause_s > std::max(kShortestGap_s, kGapTimes * pause_s_)) {
        ++gaps_;
        longest_gap_s_ = std::max(longest_gap_s_, pause_s);
        return;  // the usual pause stays
    }
    pause_s_ = pause_s;
}

// What guests are not, the host is: known where each guest tells what it has.
void RecordedHost::measure_own(const RecordedTick& tick, double at_s) {
    if (!tick.host_total_bytes || !tick.host_available_bytes) own_is_known_ = false;
    if (!own_is_known_) return;
    double own = static_cast<double>(*tick.host_total_bytes) -
                 static_cast<double>(*tick.host_available_bytes);
    bool any = false;
    for (const Guest& guest : guests_) {
        if (!guest.there || !guest.last) continue;
        any = true;
        // 0: not told, as no guest has nothing.
        if (guest.last->resident_bytes.value_or(0) == 0) own_is_known_ = false;
        own -= static_cast<double>(
            std::min(guest.last->resident_bytes.value_or(0), kept_bytes(*guest.last)));
    }
    if (!any) return;
    own = std::max(own, 0.0);  // a host that is full shows no less than nothing available
    auto& points = own_.points;
    if (points.empty() || points.back().bytes != own) points.push_back({at_s, own});
}

void RecordedHost::add(const RecordedTick& row) {
    const double at_s = time(row.at_s);
    RecordedTick tick = row;
    tick.at_s = last_s_;
    measure_own(tick, at_s);
    if (tick.host_swap_total_bytes && tick.host_swap_free_bytes) {
        host_swap_bytes_ = tick.host_swap_total_bytes;
        if (!swapped_at_start_)
            swapped_at_start_ = *tick.host_swap_total_bytes -
                                std::min(*tick.host_swap_free_bytes, *tick.host_swap_total_bytes);
    }
    if (tick_) {
        pauses_s_.push_back(tick.at_s - tick_->at_s);
        look_for_gap(at_s);
        const bool same = tick_->epoch == tick.epoch;
        const auto moved = [&](std::uint64_t before, std::uint64_t now) {
            outcome_.moved_bytes += static_cast<double>(same ? grown(before, now) : now);
        };
        moved(tick_->inflated_bytes, tick.inflated_bytes);
        moved(tick_->deflated_bytes, tick.deflated_bytes);
        outcome_.lent_byte_s +=
            static_cast<double>(tick_->loaned_bytes) * (tick.at_s - tick_->at_s);
        if (tick.host_stall_us && tick_->host_stall_us)
            outcome_.host_stall_s =
                outcome_.host_stall_s.value_or(0) +
                static_cast<double>(grown(*tick_->host_stall_us, *tick.host_stall_us)) * 1e-6;
    }
    // Of a pause without ticks, one round: nobody was told meanwhile.
    if (at_s - round_since_s_ >= kRound_s) {
        ++round_;
        round_since_s_ = at_s;
    }
    for (auto made = outcome_.decisions.rbegin();
         made != outcome_.decisions.rend() && made->host_available_bytes == kUnknownBytes; ++made) {
        made->host_available_bytes = tick.host_available_bytes.value_or(kUnknownBytes - 1);
        made->at_s = at_s;
    }
    if (ticks_s_.empty() || at_s > ticks_s_.back()) ticks_s_.push_back(at_s);
    auto& lent = outcome_.lent.points;
    const auto loaned = static_cast<double>(tick.loaned_bytes);
    if (lent.empty() || lent.back().bytes != loaned) lent.push_back({at_s, loaned});
    if (tick.host_reserve_bytes) reserve_bytes_ = *tick.host_reserve_bytes;
    if (tick.host_total_bytes)
        outcome_.host_total_bytes =
            std::max(outcome_.host_total_bytes.value_or(0), *tick.host_total_bytes);
    if (tick.host_available_bytes) {
        outcome_.least_available_bytes = std::min(
            outcome_.least_available_bytes.value_or(UINT64_MAX), *tick.host_available_bytes);
        // Guests hold at most what they keep; what is not available beyond that, the host holds.
        const double guests = static_cast<double>(tick.total_bytes) - loaned;
        const double own = static_cast<double>(tick.host_total_bytes.value_or(0)) -
                           static_cast<double>(*tick.host_available_bytes) - guests;
        if (tick.host_total_bytes && own > static_cast<double>(outcome_.host_own_bytes))
            outcome_.host_own_bytes = static_cast<std::uint64_t>(own);
    }
    tick_ = tick;
}

void RecordedHost::add_oom(double at_s, std::uint64_t bytes) {
    time(at_s);
    ++outcome_.ooms;
    outcome_.oom_bytes += bytes;
}

void RecordedHost::add_came(double at_s, std::int64_t domain) {
    time(at_s);
    const auto found = guest_of_.find(domain);
    if (found != guest_of_.end()) guests_[found->second].came = true;
}

void RecordedHost::add_gone(double at_s, std::int64_t domain) {
    const double now_s = time(at_s);
    const auto found = guest_of_.find(domain);
    if (found == guest_of_.end()) return;
    change(now_s, found->second, WorkloadChangeKind::goes);
}

void RecordedHost::add(const RecordedDecision& row) {
    const double at_s = time(row.at_s);
    const auto found = guest_of_.find(row.domain);
    if (found == guest_of_.end()) return;
    Guest& guest = guests_[found->second];
    guest.min_mem_bytes = row.min_mem_bytes;
    guest.credit_bytes = std::max(guest.credit_bytes, row.credit_bytes);
    if (!guest.first_credit_bytes) guest.first_credit_bytes = row.credit_bytes;
    guest.goal_bytes = row.decided_bytes;
    guest.all_sizes |= row.decided_bytes;
    if (!guest.last || !guest.last->usable_bytes) return;
    RecordedFigures& made = outcome_.decisions.emplace_back();
    made.at_s = at_s;
    made.vm = found->second;
    made.total_bytes = row.total_bytes;
    made.loaned_bytes = row.loaned_bytes;
    made.usable_bytes = *guest.last->usable_bytes;
    made.host_available_bytes = kUnknownBytes;  // until the tick tells
    made.request_bytes = row.request_bytes;
    made.decided_bytes = row.decided_bytes;
}

void RecordedHost::add_loss(std::uint64_t records) {
    lost_ += records;
}

std::vector<std::string> RecordedHost::notes() const {
    std::vector<std::string> notes;
    for (const Guest& guest : guests_) {
        if (guest.demand.points.empty())
            notes.push_back("left out: " + guest.name + ": it never told what it uses");
        else if (guest.without_usable)
            notes.push_back(guest.name + ": does not tell what it could use; unused memory and " +
                            "cache count in its place");
        if (guest.contradictions > 0)
            notes.push_back(fmt::format("left out: {} figures of {} that contradict its memory",
                                        guest.contradictions, guest.name));
    }
    if (gaps_ > 0)
        notes.push_back(
            fmt::format("no ticks in {} gaps, the longest {}: what was told before "
                        "counts on",
                        gaps_, span(longest_gap_s_)));
    if (lost_ > 0)
        notes.push_back(fmt::format("{} records were lost: what was told before counts on", lost_));
    if (!outcome_.host_total_bytes) notes.emplace_back("the host's memory is not told");
    return notes;
}

// The usual time between two ticks, as a daemon is told it: in hundredths of a second.
double RecordedHost::tick_s() {
    if (pauses_s_.empty()) return 0;
    const auto middle = pauses_s_.begin() + static_cast<std::ptrdiff_t>(pauses_s_.size() / 2);
    std::nth_element(pauses_s_.begin(), middle, pauses_s_.end());
    return std::max(0.01, std::round(*middle * 100) / 100);
}

WorkloadStart RecordedHost::start_of(const Guest& guest) const {
    WorkloadStart start;
    start.loaned_bytes = guest.first->loaned_bytes;
    start.resident_bytes =
        guest.first->resident_bytes.value_or(0) == 0 ? kUnknownBytes : *guest.first->resident_bytes;
    start.cache_bytes = std::min(guest.first->cache_bytes.value_or(0), kMostBytes);
    start.oom_credit_bytes = guest.first_credit_bytes.value_or(0);
    return start;
}

Result<Recording> RecordedHost::finish(const std::string& name) {
    const double length_s = first_s_ ? last_s_ - *first_s_ : 0;
    for (std::size_t i = 0; i < guests_.size(); ++i)
        if (guests_[i].there && round_ - guests_[i].told_round >= kRoundsUntilGone)
            change(guests_[i].told_s, i, WorkloadChangeKind::goes);
    for (Guest& guest : guests_) conclude(guest, length_s);
    if (tick_)
        outcome_.lent_byte_s += static_cast<double>(tick_->loaned_bytes) * (last_s_ - tick_->at_s);
    outcome_.lent.steps = true;
    for (const Guest& guest : guests_) outcome_.credit_bytes += guest.credit_bytes;

    Recording recording;
    Workload& workload = recording.workload;
    workload.name = name;
    workload.length_s = length_s;
    workload.reserve_bytes = reserve_bytes_;
    const std::uint64_t total = outcome_.host_total_bytes.value_or(0);
    own_is_known_ = own_is_known_ && !own_.points.empty();
    if (own_is_known_) {
        // What it used at the start is off its memory; the rest is over time.
        const double at_start = own_.points.front().bytes;
        outcome_.host_own_bytes = static_cast<std::uint64_t>(std::max(at_start, 0.0));
        for (DemandPoint& point : own_.points)
            point.bytes -= static_cast<double>(outcome_.host_own_bytes);
    }
    workload.host_bytes = total - std::min(outcome_.host_own_bytes, total);
    workload.tick_s = tick_s();
    workload.ticks_s = std::move(ticks_s_);
    workload.host_swap_bytes = host_swap_bytes_.value_or(kUnknownBytes);
    std::vector<std::size_t> vm_of(guests_.size(), kNoSeries);
    recording.notes = notes();
    for (std::size_t i = 0; i < guests_.size(); ++i) {
        Guest& guest = guests_[i];
        if (guest.demand.points.empty()) continue;
        guest.plain = guest.plain && !guest.plain_demand.points.empty();
        if (guest.plain) guest.demand = std::move(guest.plain_demand);
        vm_of[i] = workload.vms.size();
        WorkloadVm& vm = workload.vms.emplace_back();
        vm.name = std::move(guest.name);
        vm.capacity_bytes = guest.capacity_bytes;
        vm.min_mem_bytes = guest.min_mem_bytes;
        vm.shares = guest.shares;
        vm.balloon_bytes_per_s =
            guest.held_up ? static_cast<std::uint64_t>(guest.bytes_per_s) : kTraceBalloonBytesPerS;
        vm.plain = guest.plain;
        vm.demand_holds_reserve = guest.tells_cache && !guest.without_usable;
        vm.page_shift = static_cast<std::uint8_t>(
            std::clamp(std::countr_zero(guest.all_sizes), kLeastPageShift, kMostPageShift));
        // One that lent when it was first told about has been there: every guest is told about
        // within a round.
        const double told_s = guest.first ? guest.first->at_s - *first_s_ : kRound_s + 1;
        if (told_s <= kFirstTicks * workload.tick_s ||
            (told_s <= kRound_s && guest.first->loaned_bytes > 0))
            vm.start = start_of(guest);
        vm.series = workload.series.size();
        guest.demand.steps = true;
        workload.series.push_back(std::move(guest.demand));
    }
    if (workload.vms.empty())
        return fail(Errc::invalid_argument,
                    name + ": no guest tells what it uses; expected figures of at least one");
    if (!(length_s > 0))
        return fail(Errc::invalid_argument,
                    name + ": all of it is of one moment; expected some time");
    for (WorkloadChange& change : changes_) {
        if (vm_of[change.vm] == kNoSeries) continue;
        change.vm = vm_of[change.vm];
        const bool from_start = workload.vms[change.vm].start &&
                                change.kind == WorkloadChangeKind::comes &&
                                change.at_s <= std::max(kRound_s, kFirstTicks * workload.tick_s);
        if (from_start) change.at_s = 0;
        workload.changes.push_back(change);
    }
    if (own_is_known_) {
        workload.own_series = workload.series.size();
        own_.steps = true;
        workload.series.push_back(std::move(own_));
    }
    spread_swapped(swapped_at_start_.value_or(0), workload.vms);
    std::erase_if(outcome_.decisions, [&](RecordedFigures& made) {
        made.vm = vm_of[made.vm];
        return made.vm == kNoSeries;
    });
    std::stable_sort(
        workload.changes.begin(), workload.changes.end(),
        [](const WorkloadChange& a, const WorkloadChange& b) { return a.at_s < b.at_s; });
    recording.outcome = std::move(outcome_);
    return recording;
}

}  // namespace ballast
