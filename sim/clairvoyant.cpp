#include "sim/clairvoyant.h"

#include <algorithm>
#include <cmath>

namespace ballast {

Clairvoyant::Clairvoyant(const Workload& workload, DemandScale scale, double step_s,
                         double look_ahead_s)
    : workload_(workload),
      reader_(workload, scale),
      step_s_(step_s),
      machines_(workload.vms.size()),
      depth_(2 + static_cast<std::size_t>(std::ceil(look_ahead_s / step_s))),
      ring_(depth_ * machines_) {
    for (std::size_t step = 0; step < depth_; ++step) look_at(step);
}

void Clairvoyant::look_at(std::size_t step) {
    reader_.read(static_cast<double>(step) * step_s_, demand_at(step));
}

// Demand of now as well: what is still in use cannot be lent.
Bytes Clairvoyant::keeps(const SimHost& host, std::size_t vm) {
    const SimGuest& guest = host.guest(vm);
    const double speed = static_cast<double>(workload_.vms[vm].balloon_bytes_per_s);
    const Bytes reach = speed > 0 ? whole_pages(static_cast<Bytes>(std::min(
                                        speed * step_s_, static_cast<double>(guest.capacity()))))
                                  : guest.capacity();
    Bytes keeps = 0;
    Bytes can_wait = 0;  // what the balloon gives in time if asked later
    for (std::size_t ahead = 0; ahead < depth_ && can_wait < guest.capacity(); ++ahead) {
        const Bytes demand = demand_at(now_ + ahead)[vm];
        const Bytes needs =
            demand + guest.watermark() +
            hot_cache_wanted(demand, guest.capacity(), guest.watermark(), host.guest_constants());
        keeps = std::max(keeps, needs - can_wait);
        if (ahead > 0) can_wait += reach;
    }
    return std::min(keeps, guest.capacity());
}

void Clairvoyant::decide(const SimHost& host, std::span<Bytes> loan) {
    hot_.resize(loan.size());
    Bytes needed = host.constants().own;
    Bytes all_hot = 0;
    for (std::size_t row = 0; row < loan.size(); ++row) {
        const std::size_t vm = host.rows()[row];
        const SimGuest& guest = host.guest(vm);
        loan[row] = guest.capacity() - keeps(host, vm);
        const Bytes demand = demand_at(now_ + 1)[vm];
        hot_[row] =
            hot_cache_wanted(demand, guest.capacity(), guest.watermark(), host.guest_constants());
        needed += demand + hot_[row];
        all_hot += hot_[row];
    }
    const GuestConstants& costs = host.guest_constants();
    const Bytes lacks = needed - host.constants().memory;
    if (lacks > 0 && costs.guest_fault_us < costs.host_fault_us) {
        const Bytes taken = std::min(lacks, all_hot);
        for (std::size_t row = 0; row < loan.size(); ++row)
            loan[row] += among(hot_[row], taken, all_hot);
    }
    // The oldest step makes room for the furthest one that is not known yet.
    look_at(now_ + depth_);
    ++now_;
}

}  // namespace ballast
