#include "sim/host_model.h"

#include <algorithm>

namespace ballast {

SimHost::SimHost(const Workload& workload, const GuestConstants& guest, const HostConstants& host)
    : workload_(workload), guest_constants_(guest), constants_(host) {
    guests_.reserve(workload.vms.size());
    for (const WorkloadVm& vm : workload.vms) guests_.emplace_back(vm, guest);
    asked_.resize(guests_.size(), kNotAsked);
    frozen_.resize(guests_.size());
    sizes_.resize(guests_.size());
    up_at_s_.resize(guests_.size());
    present_.resize(guests_.size());
    totals_.least_available = constants_.memory;
    never_swaps_ = is_plain(workload);
    if (std::any_of(workload.vms.begin(), workload.vms.end(),
                    [](const WorkloadVm& vm) { return vm.loan_series != kNoSeries; })) {
        wish_reader_ = DemandReader::of_loans(workload);
        wishes_.resize(guests_.size());
    }
}

void SimHost::start(std::span<const Bytes> demand, double at_s) {
    at_s_ = at_s;
    change_until(at_s, demand);
    balance();
}

void SimHost::ask(std::size_t row, Bytes loan) {
    const std::size_t vm = rows_[row];
    asked_[vm] = std::clamp<Bytes>(loan, 0, guests_[vm].capacity());
}

Bytes SimHost::available() const noexcept {
    return std::max<Bytes>(0, constants_.memory - own() - resident_);
}

Bytes SimHost::outstanding(const Claim& claim) const noexcept {
    const bool is_there = claim.vm != kNobody && present_[claim.vm] != 0;
    return std::max<Bytes>(0, claim.bytes - (is_there ? guests_[claim.vm].host_resident() : 0));
}

Bytes SimHost::reserved() const noexcept {
    Bytes sum = 0;
    for (const Claim& claim : claims_) sum += outstanding(claim);
    return sum;
}

void SimHost::drop_claim(std::size_t vm) {
    std::erase_if(claims_, [vm](const Claim& claim) { return claim.vm == vm; });
}

void SimHost::advance(double at_s, double step_s, std::span<const Bytes> demand) {
    at_s_ = at_s;
    for (const std::size_t vm : rows_) {
        if (is_down(vm) || asked_[vm] == kNotAsked) continue;
        const Bytes moved =
            guests_[vm].move_balloon(asked_[vm], at_s - step_s, step_s, guest_constants_);
        totals_.moved += static_cast<double>(moved < 0 ? -moved : moved);
    }
    double all_run = 1;  // the share of the step in which no guest waits, were they independent
    for (const std::size_t vm : rows_) {
        const double before_s = totals_.host_stall_s;
        live(vm, step_s, demand[vm]);
        all_run *= 1 - (totals_.host_stall_s - before_s) / step_s;
    }
    totals_.guest_s += step_s * static_cast<double>(rows_.size());
    stalled_s_ += step_s * (1 - std::max(0.0, all_run));
    change_until(at_s, demand);
    for (const std::size_t vm : rows_) report_size(vm, at_s - step_s);
    balance();
    // Who holds all of it once has no claim from then on.
    std::erase_if(claims_, [this](const Claim& claim) { return outstanding(claim) == 0; });
}

// QEMU sends an event for the first MiB that a balloon gives or takes, and the next a while later.
void SimHost::report_size(std::size_t vm, double began_s) {
    constexpr Bytes kFirstPart = 1 << 20;
    Size& size = sizes_[vm];
    const double late_s = workload_.vms[vm].size_late_s;
    const Bytes differs = guests_[vm].loaned() - size.loaned;
    if (differs == 0 || late_s <= 0) {
        size = {guests_[vm].loaned(), false, {}};
        return;
    }
    const bool is_first = !size.moves_since_s;
    if (is_first) size.moves_since_s = began_s;
    size.late = true;
    if (at_s_ - *size.moves_since_s >= late_s)
        size = {guests_[vm].loaned(), true, {}};
    else if (is_first)
        size.loaned += std::clamp(differs, -kFirstPart, kFirstPart);
}

void SimHost::live(std::size_t vm, double step_s, Bytes demand) {
    SimGuest& guest = guests_[vm];
    if (is_down(vm)) {
        totals_.host_stall_s += step_s;
        totals_.unserved_byte_s += static_cast<double>(demand) * step_s;
        if (!harm_of_each_.empty()) harm_of_each_[vm].host_stall_s += step_s;
        return;
    }
    if (up_at_s_[vm] > 0) {
        up_at_s_[vm] = 0;
        guest.boot(demand, guest_constants_);
    }
    const GuestHarm harm = guest.live(demand, step_s, guest_constants_);
    if (!harm_of_each_.empty()) harm_of_each_[vm] += harm;
    // Its driver leaves the balloon as it is until it is asked anew.
    if (harm.taken_back > 0) asked_[vm] = guest.loaned();
    totals_.guest_stall_s += harm.guest_stall_s;
    totals_.host_stall_s += harm.host_stall_s;
    totals_.guest_ooms += harm.out_of_memory ? 1 : 0;
    totals_.guest_faulted += static_cast<double>(harm.guest_faulted);
    totals_.host_faulted += static_cast<double>(harm.host_faulted);
    totals_.moved += static_cast<double>(harm.taken_back);
    totals_.lent_byte_s += static_cast<double>(guest.loaned()) * step_s;
    totals_.unserved_byte_s += static_cast<double>(harm.unserved) * step_s;
}

void SimHost::change_until(double at_s, std::span<const Bytes> demand) {
    const std::uint64_t before = membership_;
    for (; next_change_ < workload_.changes.size(); ++next_change_) {
        const WorkloadChange& change = workload_.changes[next_change_];
        if (change.at_s > at_s) break;
        if (change.kind == WorkloadChangeKind::reserves) {
            drop_claim(change.vm);
            if (change.reserved_bytes > 0)
                claims_.push_back({change.vm, static_cast<Bytes>(change.reserved_bytes)});
            continue;
        }
        SimGuest& guest = guests_[change.vm];
        switch (change.kind) {
            case WorkloadChangeKind::comes:
                if (const auto& seen = workload_.vms[change.vm].start; seen && change.at_s == 0)
                    guest.resume(*seen, demand[change.vm], guest_constants_);
                else
                    guest.boot(demand[change.vm], guest_constants_);
                asked_[change.vm] = kNotAsked;
                sizes_[change.vm] = {guest.loaned(), false, {}};
                present_[change.vm] = 1;
                ++membership_;
                if (!told_.empty()) tell_statistics_of(change.vm);
                break;
            case WorkloadChangeKind::goes:
                guest.vanish();
                drop_claim(change.vm);
                up_at_s_[change.vm] = 0;
                present_[change.vm] = 0;
                ++membership_;
                break;
            case WorkloadChangeKind::balloon:
                guest.balloon_mode = change.balloon;
                break;
            case WorkloadChangeKind::statistics:
                guest.stats_mode = change.statistics;
                frozen_[change.vm] = figures_of(guest);
                break;
            case WorkloadChangeKind::reserves:
                break;
        }
    }
    if (membership_ == before) return;
    rows_.clear();
    for (std::size_t vm = 0; vm < guests_.size(); ++vm)
        if (present_[vm] != 0) rows_.push_back(vm);
}

void SimHost::add_up() {
    resident_ = swapped_ = 0;
    for (const std::size_t vm : rows_) {
        resident_ += guests_[vm].host_resident();
        swapped_ += guests_[vm].host_swapped();
    }
}

// The host swaps what does not fit; where its swap is full, it kills a guest.
void SimHost::balance() {
    add_up();
    for (;;) {
        const Bytes lacks = std::min(own() + resident_ - constants_.memory, resident_);
        if (lacks <= 0 || never_swaps_) break;
        if (lacks <= constants_.swap - swapped_) {
            swap_out(lacks);
            break;
        }
        kill_largest();
        add_up();
    }
    totals_.least_available = std::min(totals_.least_available, available());
}

// What programs leave alone goes first; then all are treated alike.
void SimHost::swap_out(Bytes amount) {
    Bytes idle = 0;
    for (const std::size_t vm : rows_) idle += guests_[vm].host_idle();
    Bytes used = resident_ - idle;
    Bytes from_idle = std::min(amount, idle);
    Bytes from_used = amount - from_idle;
    for (const std::size_t vm : rows_) {
        SimGuest& guest = guests_[vm];
        const Bytes its_idle = guest.host_idle();
        const Bytes its_used = guest.host_used();
        const Bytes idle_out = among(its_idle, from_idle, idle);
        const Bytes used_out = among(its_used, from_used, used);
        guest.swap_out(idle_out, used_out);
        from_idle -= idle_out;
        from_used -= used_out;
        idle -= its_idle;
        used -= its_used;
    }
    resident_ -= amount;
    swapped_ += amount;
    totals_.host_swapped_out += static_cast<double>(amount);
}

void SimHost::kill_largest() {
    const std::size_t vm =
        *std::max_element(rows_.begin(), rows_.end(), [this](std::size_t a, std::size_t b) {
            return guests_[a].host_resident() < guests_[b].host_resident();
        });
    guests_[vm].vanish();
    sizes_[vm] = {};
    asked_[vm] = kNotAsked;
    up_at_s_[vm] = at_s_ + constants_.restart_s;
    ++totals_.host_ooms;
}

}  // namespace ballast
