#include "hv_backends/mock/mock_host.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "sim/curve.h"
#include "sim/domain_names.h"

namespace ballast {
namespace {

bool is_constant(const Curve& curve) noexcept {
    return curve.points.size() <= 1 && curve.jitter_percent == 0;
}

bool stands_still(DomainFlags flags) noexcept {
    return (flags & (DomainFlags::paused | DomainFlags::no_driver)) != DomainFlags::none;
}

constexpr std::uint64_t bytes(Bytes amount) noexcept {
    return amount > 0 ? static_cast<std::uint64_t>(amount) : 0;
}

// A guest of which only what its programs use is scripted: the rest is free, and the host holds all
// that it keeps.
SimGuest scripted(const ScenarioDomain& domain) {
    WorkloadVm vm;
    vm.capacity_bytes = domain.memory_bytes;
    vm.balloon_bytes_per_s = domain.speed_bytes_per_s;
    vm.deflate_on_oom = domain.deflate_on_oom;
    vm.plain = true;
    vm.page_shift = static_cast<std::uint8_t>(std::countr_zero(domain.page_bytes));
    return {vm, {}};
}

bool any_takes_time(const Scenario& scenario) {
    return std::any_of(scenario.domains.begin(), scenario.domains.end(),
                       [](const ScenarioDomain& domain) { return domain.speed_bytes_per_s > 0; }) ||
           std::any_of(scenario.events.begin(), scenario.events.end(),
                       [](const ScenarioEvent& event) {
                           return event.action == ScenarioAction::driver_slow ||
                                  event.action == ScenarioAction::driver_intermittent;
                       });
}

}  // namespace

MockHost::MockHost(const Scenario& scenario, const Clock& clock)
    : scenario_(scenario), clock_(clock), asynchronous_(any_takes_time(scenario)) {
    for (NamedDomain& domain : expand_domains(scenario_.domains)) {
        MockGuest& guest = guests_.emplace_back();
        guest.spec = domain.spec;
        guest.seed = mix(scenario_.seed ^ mix(guests_.size()));
        names_.push_back(std::move(domain.name));
    }
    table_.resize(guests_.size());
    for (std::size_t i = 0; i < guests_.size(); ++i) {
        guest_by_key_[key_from_name(names_[i])] = i;
        guest_of_row_.push_back(i);
        fill_row(i, i);
    }
    table_.membership = 1;
    list_lively_guests();
}

void MockHost::connect(EventSink& sink) {
    sink_ = &sink;
    start_ = clock_.now();
}

void MockHost::refresh_lively() {
    for (const std::size_t guest : lively_) refresh(guest);
}

void MockHost::set_oom_release(const DomainKey& domain, std::uint64_t bytes) {
    const auto found = guest_by_key_.find(domain);
    if (found != guest_by_key_.end()) guests_[found->second].oom_release_bytes = bytes;
}

void MockHost::move_to(std::size_t row, std::uint64_t loaned_bytes, Duration delay) {
    MockGuest& guest = guests_[guest_of_row_[row]];
    guest.goal_bytes = loaned_bytes;
    guest.moving = true;
    guest.moving_since = clock_.now() + delay;
}

// A guest that starts: nothing lent.
void MockHost::fill_row(std::size_t row, std::size_t guest_index) {
    MockGuest& guest = guests_[guest_index];
    guest.row = row;
    guest.present = true;
    guest.moving = false;
    const ScenarioDomain& domain = spec(guest);
    guest.model = scripted(domain);
    guest.model.boot(0, {});
    table_.key[row] = key_from_name(names_[guest_index]);
    table_.name[row] = names_[guest_index];
    table_.page_shift[row] = static_cast<std::uint8_t>(std::countr_zero(domain.page_bytes));
    table_.total_bytes[row] = domain.memory_bytes;
    table_.loaned_bytes[row] = 0;
    table_.flags[row] = domain.deflate_on_oom ? DomainFlags::deflate_on_oom : DomainFlags::none;
    refresh(guest_index);
}

void MockHost::list_lively_guests() {
    lively_.clear();
    for (std::size_t i = 0; i < guests_.size(); ++i) {
        const ScenarioDomain& domain = spec(guests_[i]);
        const bool steady = is_constant(domain.used) &&
                            (!domain.loan || is_constant(*domain.loan)) && !asynchronous_ &&
                            scenario_.faults.empty();
        if (!steady) lively_.push_back(i);
    }
}

void MockHost::refresh(std::size_t guest_index) {
    MockGuest& guest = guests_[guest_index];
    if (!guest.present) return;
    const std::size_t row = guest.row;
    move_balloon(guest);
    const ScenarioDomain& domain = spec(guest);
    const std::uint64_t used =
        guest.used_bytes.value_or(curve_value(domain.used, since_start(), guest.seed));
    live(guest, used);
    table_.loaned_bytes[row] = bytes(guest.model.loaned());
    table_.resident_bytes[row] = bytes(guest.model.host_resident());
    if (!has(table_.flags[row], DomainFlags::stale_stats))
        table_.unused_bytes[row] = table_.usable_bytes[row] =
            bytes(guest.lies ? guest.model.kept() : guest.model.usable());
    if (domain.loan || guest.loan_bytes) {
        const std::uint64_t wanted = guest.loan_bytes.value_or(
            domain.loan ? curve_value(*domain.loan, since_start(), guest.seed) : 0);
        table_.loan_request_bytes[row] =
            static_cast<std::int64_t>(wanted) - static_cast<std::int64_t>(table_.loaned_bytes[row]);
    }
}

void MockHost::move_balloon(MockGuest& guest) {
    const Time now = clock_.now();
    if (!guest.moving || now < guest.moving_since) return;
    const double at_s = std::chrono::duration<double>(since_start()).count();
    if (stands_still(table_.flags[guest.row]) || stands_still(guest.balloon, at_s)) {
        guest.moving_since = now;
        return;
    }
    using Seconds = std::chrono::duration<double>;
    guest.model.balloon_mode = guest.balloon;
    const auto goal = static_cast<Bytes>(guest.goal_bytes);
    const Bytes moved =
        guest.model.move_balloon(goal, at_s, Seconds(now - guest.moving_since).count(), {});
    const double speed =
        speed_of(guest.balloon, static_cast<double>(spec(guest).speed_bytes_per_s));
    // Time too short for a whole page counts towards the next one, however often one looks.
    if (speed > 0)
        guest.moving_since += std::chrono::duration_cast<Duration>(
            Seconds(static_cast<double>(moved < 0 ? -moved : moved) / speed));
    guest.moving = guest.model.loaned() != goal;
}

// Programs that need more than there is make the driver give memory back to the guest.
void MockHost::live(MockGuest& guest, std::uint64_t used) {
    const bool stands = stands_still(table_.flags[guest.row]);
    guest.model.balloon_mode = stands ? BalloonMode::stuck : guest.balloon;
    guest.model.least_taken_back = static_cast<Bytes>(guest.oom_release_bytes);
    const GuestHarm harm = guest.model.live(static_cast<Bytes>(used), 1, {});
    tell_oom(guest, harm.taken_back);
}

void MockHost::take_back(MockGuest& guest, std::uint64_t bytes_wanted) {
    if (stands_still(table_.flags[guest.row])) return;
    tell_oom(guest, guest.model.take_back(static_cast<Bytes>(bytes_wanted)));
}

void MockHost::tell_oom(MockGuest& guest, Bytes freed) {
    if (freed == 0) return;
    guest.moving = false;
    tell(EventKind::oom, guest.row, bytes(freed), bytes(guest.model.loaned()));
}

void MockHost::set_loaned(std::size_t row, std::uint64_t loaned_bytes) {
    guests_[guest_of_row_[row]].model.set_loaned(static_cast<Bytes>(loaned_bytes));
    guests_[guest_of_row_[row]].moving = false;
    refresh(guest_of_row_[row]);
}

HostState MockHost::host() const {
    HostState host;
    std::uint64_t kept = 0;
    std::uint64_t entitled = 0;
    for (std::size_t row = 0; row < table_.size(); ++row) {
        entitled += table_.total_bytes[row];
        kept += table_.total_bytes[row] - table_.loaned_bytes[row];
    }
    host.total_bytes = scenario_.pool.memory_bytes != 0 ? scenario_.pool.memory_bytes : entitled;
    host.available_bytes = host.total_bytes - std::min(host.total_bytes, kept);
    return host;
}

}  // namespace ballast
