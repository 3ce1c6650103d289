// What a policy is shown of the simulated host.
#include <cmath>

#include "sim/host_model.h"

namespace ballast {
namespace {

std::uint64_t unsigned_of(Bytes bytes) noexcept {
    return bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

}  // namespace

SimHost::Figures SimHost::figures_of(const SimGuest& guest) {
    return {unsigned_of(guest.free()),
            unsigned_of(guest.usable()),
            unsigned_of(guest.hot() + guest.cold()),
            guest.major_faults(),
            unsigned_of(guest.swapped_in()),
            unsigned_of(guest.swapped_out())};
}

void SimHost::list_rows(Observation& seen) const {
    DomainTable& domains = seen.domains;
    domains.resize(rows_.size());
    domains.membership = membership_;
    for (std::size_t row = 0; row < rows_.size(); ++row) {
        const WorkloadVm& vm = workload_.vms[rows_[row]];
        domains.key[row] = key_from_name(vm.name);
        domains.name[row] = vm.name;
        domains.page_shift[row] = vm.page_shift;
        domains.total_bytes[row] = vm.capacity_bytes;
        domains.loan_request_bytes[row] = 0;
    }
}

void SimHost::tell_statistics_of(std::size_t vm) {
    told_[vm] = {figures_of(guests_[vm]), guests_[vm].loaned()};
}

void SimHost::tell_statistics() {
    told_.resize(guests_.size());
    for (const std::size_t vm : rows_) tell_statistics_of(vm);
}

// Relative to what is lent; where the hypervisor says nothing, 0.
void SimHost::wish_for_loans(DomainTable& domains) {
    wish_reader_->read(at_s_, wishes_);
    for (std::size_t row = 0; row < rows_.size(); ++row) {
        const std::size_t vm = rows_[row];
        if (workload_.vms[vm].loan_series != kNoSeries)
            domains.loan_request_bytes[row] = wishes_[vm] - reported_loan(vm);
    }
}

void SimHost::observe(Observation& seen) {
    if (listed_ != membership_) {
        listed_ = membership_;
        list_rows(seen);
    }
    seen.at = Time{} + std::chrono::nanoseconds(std::llround(at_s_ * 1e9));
    seen.host.total_bytes = unsigned_of(constants_.memory);
    seen.host.available_bytes = unsigned_of(available());
    seen.host.swap_total_bytes = unsigned_of(constants_.swap);
    seen.host.swap_free_bytes = unsigned_of(constants_.swap - swapped_);
    seen.host.memory_stall_us = static_cast<std::uint64_t>(stalled_s_ * 1e6);
    DomainTable& domains = seen.domains;
    if (wish_reader_) wish_for_loans(domains);
    for (std::size_t row = 0; row < rows_.size(); ++row) {
        const std::size_t vm = rows_[row];
        const SimGuest& guest = guests_[vm];
        Figures told = guest.stats_mode == StatsMode::frozen ? frozen_[vm]
                       : told_.empty()                       ? figures_of(guest)
                                                             : told_[vm].figures;
        DomainFlags flags =
            workload_.vms[vm].deflate_on_oom ? DomainFlags::deflate_on_oom : DomainFlags::none;
        if (guest.stats_mode == StatsMode::frozen) flags = flags | DomainFlags::stale_stats;
        if (sizes_[vm].late || (!told_.empty() && told_[vm].loaned != guest.loaned()))
            flags = flags | DomainFlags::late_stats;
        if (guest.stats_mode == StatsMode::lying) {
            told.unused = told.usable = unsigned_of(guest.kept());
            told.cache = 0;
        }
        if (is_down(vm)) {
            flags = flags | DomainFlags::starting;
            told.unused = told.usable = told.cache = kUnknownBytes;
        }
        domains.flags[row] = flags;
        domains.loaned_bytes[row] = unsigned_of(reported_loan(vm));
        domains.unused_bytes[row] = told.unused;
        domains.usable_bytes[row] = told.usable;
        domains.cache_bytes[row] = told.cache;
        domains.major_faults[row] = told.major_faults;
        domains.swapped_in_bytes[row] = told.swapped_in;
        domains.swapped_out_bytes[row] = told.swapped_out;
        domains.resident_bytes[row] = unsigned_of(guest.host_resident());
    }
}

}  // namespace ballast
