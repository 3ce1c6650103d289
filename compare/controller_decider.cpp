#include "compare/controller_decider.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "base/glob.h"
#include "controller/controller.h"
#include "hv_backends/workload/host_backend.h"
#include "sim/virtual_clock.h"

namespace ballast::compare {
namespace {

constexpr std::int64_t kFar = std::int64_t{1} << 60U;  // beyond any capacity

// A pattern that matches that name alone.
std::string pattern_of(const std::string& name) {
    std::string pattern;
    for (const char sign : name) {
        if (sign == '*' || sign == '?' || sign == '[' || sign == '\\') pattern += '\\';
        pattern += sign;
    }
    return pattern;
}

Settings settings_for(const Workload& workload, const PolicyChoice& policy, Settings settings,
                      const Constants& constants, const std::vector<std::uint64_t>& min_mem_bytes,
                      std::uint64_t reserve_bytes) {
    settings.policy = {std::string(entry_of(policy.kind).name), policy};
    settings.cmm.simulate = false;
    settings.cmm.debug = false;
    settings.cmm.delay =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(constants.tick_s));
    settings.host = {.reserve_bytes = reserve_bytes};
    settings.guests.surge_below_bytes = constants.short_below_bytes;
    settings.guests.surge_below_percent = constants.short_below_percent;
    std::vector<DomainOverride> domains;
    for (std::size_t i = 0; i < workload.vms.size(); ++i) {
        const WorkloadVm& vm = workload.vms[i];
        const auto from_file = std::find_if(
            settings.domains.begin(), settings.domains.end(),
            [&vm](const DomainOverride& one) { return glob_matches(one.pattern, vm.name); });
        DomainOverride& own = domains.emplace_back();
        if (from_file != settings.domains.end()) own = *from_file;
        own.pattern = pattern_of(vm.name);
        own.min_mem_mb = min_mem_bytes[i] / kMiB;
        own.shares = vm.shares;
        own.simulate_loan_target_kb.reset();
        if (policy.kind == PolicyKind::fixed)
            own.simulate_loan_target_kb = vm.fixed_loan_bytes / kKiB;
    }
    settings.domains = std::move(domains);
    return settings;
}

// The constraints of the gate: a domain that is left alone.
bool is_hold(Constraint constraint) noexcept {
    switch (constraint) {
        case Constraint::hotplug:
        case Constraint::migrating:
        case Constraint::paused:
        case Constraint::disabled:
        case Constraint::stale_stats:
        case Constraint::no_driver:
        case Constraint::pinned_memory:
        case Constraint::backend_error:
        case Constraint::no_stats:
        case Constraint::bad_stats:
        case Constraint::saving:
        case Constraint::crashed:
        case Constraint::set_by_others:
            return true;
        default:
            return false;
    }
}

}  // namespace

struct ControllerDecider::State {
    State(const Workload& of, const Settings& settings, SimHost& host)
        : workload(of), backend(host, clock), controller(settings, backend, clock) {}

    void follow_claims(const SimHost& host);
    void count(const SimHost& host, std::size_t row, const Decision& decision);

    const Workload& workload;
    VirtualClock clock;
    HostBackend backend;
    Controller controller;
    std::vector<Bytes> decided;
    std::vector<RequestReason> reasons;
    ControllerTicks ticks;
    struct Reserved {
        SimHost::Claim claim;
        std::uint64_t id = 0;
    };
    std::vector<Reserved> reserved;
};

ControllerDecider::ControllerDecider(const Workload& workload, const PolicyChoice& policy,
                                     Settings settings, const Constants& constants,
                                     const std::vector<std::uint64_t>& min_mem_bytes,
                                     std::uint64_t reserve_bytes, SimHost& host)
    : state_(std::make_unique<State>(workload,
                                     settings_for(workload, policy, std::move(settings), constants,
                                                  min_mem_bytes, reserve_bytes),
                                     host)) {
    // Always succeeds.
    static_cast<void>(state_->backend.start(state_->controller));
}

ControllerDecider::~ControllerDecider() = default;

std::span<const Bytes> ControllerDecider::decided() const noexcept {
    return state_->decided;
}

std::span<const RequestReason> ControllerDecider::reasons() const noexcept {
    return state_->reasons;
}

const ControllerTicks* ControllerDecider::controller_ticks() const noexcept {
    return &state_->ticks;
}

// What the workload reserves is reserved as by an operator; where a policy lends for no
// reservation, none is made.
void ControllerDecider::State::follow_claims(const SimHost& host) {
    const auto same = [](const SimHost::Claim& a, const SimHost::Claim& b) {
        return a.vm == b.vm && a.bytes == b.bytes;
    };
    const auto claims = host.claims();
    std::erase_if(reserved, [&](const Reserved& one) {
        const bool stays = std::any_of(claims.begin(), claims.end(),
                                       [&](const auto& claim) { return same(claim, one.claim); });
        if (!stays) static_cast<void>(controller.cancel_reservation(one.id));
        return !stays;
    });
    for (const SimHost::Claim& claim : claims) {
        const bool known = std::any_of(reserved.begin(), reserved.end(),
                                       [&](const Reserved& one) { return same(claim, one.claim); });
        if (known) continue;
        const std::string domain = claim.vm == kNobody ? "" : workload.vms[claim.vm].name;
        const auto made = controller.reserve(static_cast<std::uint64_t>(claim.bytes), domain,
                                             std::chrono::hours(24));
        reserved.push_back({claim, made.value_or(0)});
    }
}

// Why the controller may have done otherwise than the policy alone would have.
void ControllerDecider::State::count(const SimHost& host, std::size_t row,
                                     const Decision& decision) {
    const bool credit = decision.oom_freed_bytes > 0;
    const bool pressure = decision.constraint == Constraint::surge;
    const bool needs = decision.constraint == Constraint::guest_needs;
    const bool stuck = decision.constraint == Constraint::stuck;
    const bool held = !pressure && !stuck && (decision.held || is_hold(decision.constraint));
    const bool step_limit = decision.constraint == Constraint::rate_limit;
    const bool host_full = decision.constraint == Constraint::host_floor;
    ticks.credit += credit ? 1 : 0;
    ticks.pressure += pressure ? 1 : 0;
    ticks.needs += needs ? 1 : 0;
    ticks.stuck += stuck ? 1 : 0;
    ticks.held += held ? 1 : 0;
    ticks.step_limit += step_limit ? 1 : 0;
    ticks.host_full += host_full ? 1 : 0;
    if (credit || pressure || needs || stuck || held || step_limit || host_full) return;
    const Bytes page = Bytes{1} << decision.page_shift;
    const auto loaned = static_cast<Bytes>(decision.loaned_before_bytes);
    const auto total = static_cast<Bytes>(decision.total_bytes);
    const auto least = static_cast<Bytes>(std::min(decision.min_mem_bytes, decision.total_bytes));
    const Bytes lendable = (total & ~(page - 1)) - (least & ~(page - 1));
    const Bytes request = std::clamp(decision.request_bytes, -kFar, kFar) / page * page;
    const Bytes wish = std::clamp<Bytes>(loaned + request, 0, lendable);
    const Bytes asked = host.asked(host.rows()[row]);
    const bool as_wished =
        whole_pages(wish) == asked || (wish == loaned && (asked == kNotAsked || asked <= loaned));
    ticks.other += as_wished ? 0 : 1;
}

void ControllerDecider::decide(SimHost& host, std::span<Bytes> loan) {
    State& state = *state_;
    state.clock.advance_to(Time{} + std::chrono::nanoseconds(std::llround(host.at_s() * 1e9)));
    state.backend.advance();
    state.follow_claims(host);
    state.controller.tick(state.clock.now());
    const auto snapshot = state.controller.snapshots().latest();
    state.decided.resize(loan.size());
    state.reasons.resize(loan.size());
    for (std::size_t row = 0; row < loan.size(); ++row) {
        const Decision& decision = snapshot->decisions[row];
        loan[row] = static_cast<Bytes>(decision.loaned_before_bytes) +
                    std::clamp(decision.request_bytes, -kFar, kFar);
        state.decided[row] = static_cast<Bytes>(decision.decided_bytes);
        state.reasons[row] = decision.request_reason;
        state.count(host, row, decision);
    }
}

}  // namespace ballast::compare
