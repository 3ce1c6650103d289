#include "recording/recorded_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/domain.h"
#include "recording/recorded_figures.h"

namespace ballast {
namespace {

// A pause between two ticks counts as a gap if it is longer than the first, and so many times
// the pause before it.
constexpr double kShortestGap_s = 60;
constexpr double kGapTimes = 3;

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
    // A decision to keep what it lends calls off nothing that is on its way.
    if (row.decided_bytes != row.loaned_bytes) {
        if (guest.heading_bytes != row.decided_bytes) guest.from_bytes = row.loaned_bytes;
        guest.heading_bytes = row.decided_bytes;
    }
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

}  // namespace ballast
