#include "compare/watch.h"

#include <algorithm>

namespace ballast::compare {
namespace {

using report::Reason;
using report::Why;

// A guest with less than this share of its memory available counts as low.
constexpr Bytes kLowOneOf = 10;

}  // namespace

Watch::Watch(const Workload& workload, const Contestant& contestant, const Constants& constants,
             std::uint64_t reserve_bytes, SimHost& host)
    : contestant_(contestant),
      reserve_(static_cast<Bytes>(reserve_bytes)),
      recorder_(workload.length_s, constants.detail),
      harm_(workload.vms.size()),
      last_(workload.vms.size()) {
    host.tell_harm(harm_);
}

void Watch::before(const SimHost& host, std::span<const Bytes> demand) {
    tell_who_came_and_went(host);
    for (const std::size_t vm : host.rows()) tell_what_happened(host, vm);
    tell_series(host, demand);
}

void Watch::tell_series(const SimHost& host, std::span<const Bytes> demand) {
    report::HostFigures figures;
    figures.kept = figures.demand = 0;
    figures.resident = host.resident();
    figures.available = host.available();
    figures.swapped = host.swapped();
    const double at_s = host.at_s();
    for (const std::size_t vm : host.rows()) {
        const bool down = host.is_down(vm);
        const Bytes kept = down ? 0 : host.guest(vm).kept();
        figures.kept += kept;
        figures.demand += demand[vm];
        const double stall_s = harm_[vm].guest_stall_s + harm_[vm].host_stall_s;
        recorder_.add(at_s, vm, {kept, demand[vm], stall_s});
    }
    recorder_.add(at_s, figures);
}

void Watch::tell_who_came_and_went(const SimHost& host) {
    if (membership_ == host.membership()) return;
    membership_ = host.membership();
    std::vector<bool> present(last_.size());
    for (const std::size_t vm : host.rows()) present[vm] = true;
    for (std::size_t vm = 0; vm < last_.size(); ++vm) {
        if (present[vm] == last_[vm].present) continue;
        // Those that are there from the start need not be told.
        if (!present[vm])
            happened(host, vm, last_[vm].loaned, 0, Why::went);
        else if (host.at_s() > 0)
            happened(host, vm, 0, 0, Why::came);
        last_[vm] = {};
        last_[vm].present = present[vm];
        harm_[vm] = {};
    }
}

void Watch::tell_what_happened(const SimHost& host, std::size_t vm) {
    Last& last = last_[vm];
    const SimGuest& guest = host.guest(vm);
    const GuestHarm& harm = harm_[vm];
    if (harm.out_of_memory) {
        recorder_.add_oom(host.at_s(), vm);
        if (harm.taken_back > 0)
            happened(host, vm, guest.loaned() + harm.taken_back, guest.loaned(), Why::took_back,
                     harm.taken_back);
        if (harm.unserved > 0)
            happened(host, vm, guest.loaned(), guest.loaned(), Why::killed_programs, harm.unserved);
    }
    if (host.is_down(vm)) {
        if (!last.down) {
            recorder_.add_kill(host.at_s(), vm);
            happened(host, vm, last.loaned, 0, Why::killed);
        }
        last = {true, true, false, 0, kNotAsked};
        return;
    }
    const Bytes reached = guest.loaned() + harm.taken_back;
    if (last.newly_asked && reached != last.asked)
        happened(host, vm, last.loaned, reached, Why::came_short, last.asked, reached);
    // Whoever asks for it again decides that anew.
    if (harm.taken_back > 0) last.asked = kNotAsked;
    last.down = false;
}

void Watch::happened(const SimHost& host, std::size_t vm, Bytes from, Bytes to, Why why,
                     Bytes first, Bytes second) {
    recorder_.add({host.at_s(), vm, from, to, {why, {first, second}, 0, {}}});
}

void Watch::after(const SimHost& host, std::span<const Bytes> wanted,
                  std::span<const RequestReason> told) {
    for (std::size_t row = 0; row < wanted.size(); ++row) {
        const std::size_t vm = host.rows()[row];
        if (host.is_down(vm)) continue;
        Last& last = last_[vm];
        const Bytes asked = host.asked(vm);
        const Bytes loaned = host.guest(vm).loaned();
        last.newly_asked = asked != last.asked && asked != loaned;
        last.asked = asked;
        last.loaned = loaned;
        if (!last.newly_asked) continue;
        Reason why = reason(host, vm, asked > loaned);
        if (wanted[row] > asked)
            why.wanted_bytes = std::min(wanted[row], host.guest(vm).capacity());
        if (row < told.size()) why.text = describe(told[row]);
        recorder_.add({host.at_s(), vm, loaned, asked, std::move(why)});
    }
    swapped_before_ = host.swapped();
    std::fill(harm_.begin(), harm_.end(), GuestHarm{});
}

Reason Watch::reason(const SimHost& host, std::size_t vm, bool lends_more) const {
    if (!contestant_.policy) return {Why::foresees, {}, 0, {}};
    if (contestant_.policy->kind == PolicyKind::fixed) return {Why::fixed, {}, 0, {}};
    if (contestant_.policy->kind == PolicyKind::cmm) return {Why::hypervisor, {}, 0, {}};
    if (!lends_more) return reason_to_take_back(host, vm);
    if (host.available() < reserve_) return {Why::host_short, {host.available(), reserve_}, 0, {}};
    if (host.swapped() > swapped_before_)
        return {Why::host_swaps, {host.swapped() - swapped_before_, 0}, 0, {}};
    return {Why::guest_spare, {host.guest(vm).usable(), host.available()}, 0, {}};
}

Reason Watch::reason_to_take_back(const SimHost& host, std::size_t vm) const {
    const SimGuest& guest = host.guest(vm);
    if (harm_[vm].out_of_memory) return {Why::guest_oom, {harm_[vm].taken_back, 0}, 0, {}};
    const Bytes missing = guest.missing_hot() + guest.swapped();
    if (missing > 0) return {Why::guest_misses, {missing, 0}, 0, {}};
    if (guest.usable() < guest.kept() / kLowOneOf)
        return {Why::guest_low, {guest.usable(), guest.kept()}, 0, {}};
    if (host.available() > reserve_) return {Why::host_room, {host.available(), reserve_}, 0, {}};
    return {Why::neither, {guest.usable(), host.available()}, 0, {}};
}

}  // namespace ballast::compare
