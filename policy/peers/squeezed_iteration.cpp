#include "policy/peers/squeezed_iteration.h"

#include <algorithm>
#include <iterator>

#include "policy/peers/squeezed_sums.h"

namespace ballast::squeezed {
namespace {

constexpr double kStuckAfter_s = 5;

// Of two lists in ascending order, what is in the first alone.
void difference(const std::vector<std::int64_t>& of, const std::vector<std::int64_t>& without,
                std::vector<std::int64_t>& into) {
    into.clear();
    std::set_difference(of.begin(), of.end(), without.begin(), without.end(),
                        std::back_inserter(into));
}

}  // namespace

bool Goal::met(std::int64_t free_kib) const noexcept {
    switch (test) {
        case Test::at_least:
            return free_kib >= kib;
        case Test::at_most:
            return free_kib <= kib;
        case Test::below:
            return free_kib < kib;
    }
    return false;
}

void Monitor::update(const Host& host, double now_s) {
    states_.swap(last_);
    states_.clear();
    auto known = last_.begin();
    for (const Domain& domain : host.domains) {
        // Both are in descending order.
        known = std::find_if(known, last_.end(),
                             [&domain](const State& each) { return each.domid <= domain.domid; });
        const bool is_known = known != last_.end() && known->domid == domain.domid;
        State state = is_known ? *known : State{domain.domid, domain.actual_kib, now_s};
        const bool open = !at_target(domain, domain.target_kib);
        const bool grew = domain.actual_kib > state.actual_kib;
        const bool shrank = domain.actual_kib < state.actual_kib;
        const bool should_grow = domain.target_kib > domain.actual_kib;
        state.actual_kib = domain.actual_kib;
        if (open && (should_grow ? grew : shrank)) {
            state.progress_s = now_s;
            state.stuck = false;
        }
        if (open && now_s - state.progress_s > kStuckAfter_s) state.stuck = true;
        states_.push_back(state);
    }
}

void Iteration::forget() noexcept {
    monitor_.forget();
    inactive_.clear();
}

void Iteration::look_at(const Host& host, std::int64_t host_target_kib, const Goal& goal,
                        double now_s, Look& look) {
    monitor_.update(host, now_s);
    active_.free_kib = host.free_kib;
    active_.domains.clear();
    look.inactive.clear();
    look.refused.clear();
    for (std::size_t place = 0; place < host.domains.size(); ++place) {
        const Domain& domain = host.domains[place];
        const bool stuck = monitor_.stuck(place);
        if (domain.can_balloon && !stuck) {
            active_.domains.push_back(domain);
            continue;
        }
        look.inactive.push_back(domain.domid);
        if (domain.can_balloon) look.refused.push_back(domain.domid);
    }
    std::reverse(look.inactive.begin(), look.inactive.end());
    difference(look.inactive, inactive_, look.became_inactive);
    difference(inactive_, look.inactive, look.became_active);
    inactive_ = look.inactive;

    choose(host_target_kib, look);
    if (look.action == Look::Action::adjust) {
        look.refused.clear();
        return;
    }
    look.targets.clear();
    if (!goal.met(host.free_kib)) return;
    look.refused.clear();
    look.action = Look::Action::success;
}

// Which targets to set; `failed` where that leaves everything as it is.
void Iteration::choose(std::int64_t host_target_kib, Look& look) {
    compute_targets(active_, host_target_kib, faults_, look.targets);
    std::vector<Target>& targets = look.targets;
    const auto frees = [](const Domain& domain, const Target& target) {
        return target.target_kib < domain.actual_kib && !at_target(domain, target.target_kib);
    };
    bool anybody_frees = false;
    bool all_at_target = true;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const Domain& domain = active_.domains[i];
        anybody_frees = anybody_frees || frees(domain, targets[i]);
        all_at_target = all_at_target && at_target(domain, domain.target_kib);
    }
    bool any_new = false;
    std::size_t chosen = 0;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const Domain& domain = active_.domains[i];
        if (!faults_.disable_two_phase && frees(domain, targets[i]) != anybody_frees) continue;
        any_new = any_new || targets[i].target_kib != domain.target_kib;
        targets[chosen++] = targets[i];
    }
    targets.resize(chosen);
    look.action = all_at_target && !any_new ? Look::Action::failed : Look::Action::adjust;
}

}  // namespace ballast::squeezed
