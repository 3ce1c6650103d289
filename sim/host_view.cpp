// What a policy is shown of the simulated host.
#include <cmath>

#include "sim/host_model.h"

namespace ballast {
namespace {

constexpr std::uint8_t kPageShift = 12;

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
        domains.page_shift[row] = kPageShift;
        domains.total_bytes[row] = vm.capacity_bytes;
        domains.loan_request_bytes[row] = 0;
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
    for (std::size_t row = 0; row < rows_.size(); ++row) {
        const std::size_t vm = rows_[row];
        const SimGuest& guest = guests_[vm];
        Figures told = guest.stats_mode == StatsMode::frozen ? frozen_[vm] : figures_of(guest);
        DomainFlags flags =
            workload_.vms[vm].deflate_on_oom ? DomainFlags::deflate_on_oom : DomainFlags::none;
        if (guest.stats_mode == StatsMode::frozen) flags = flags | DomainFlags::stale_stats;
        if (guest.stats_mode == StatsMode::lying) {
            told.unused = told.usable = unsigned_of(guest.kept());
            told.cache = 0;
        }
        if (is_down(vm)) {
            flags = flags | DomainFlags::starting;
            told.unused = told.usable = told.cache = kUnknownBytes;
        }
        domains.flags[row] = flags;
        domains.loaned_bytes[row] = unsigned_of(guest.loaned());
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
