// The workload that is made of what was recorded.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/units.h"
#include "model/domain.h"
#include "recording/recorded_figures.h"
#include "sim/trace_reader.h"

namespace ballast {
namespace {

// Whoever is told by then was there from the start.
constexpr double kFirstTicks = 1.25;
// Log2 of pages of 4 and 64 KiB, in which balloons move.
constexpr int kLeastPageShift = 12;
constexpr int kMostPageShift = 16;
// QEMU reports a balloon that goes on changing once a second, and is asked a moment after the tick.
constexpr double kSizeIsLate_s = 1.25;

std::string span(double seconds) {
    return format_duration(std::chrono::seconds(std::llround(seconds)));
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
        // Else a size is there with the tick after the one that asked.
        if (guest.late_moves > guest.prompt_moves) vm.size_late_s = kSizeIsLate_s;
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
