#include "policy/peers/squeezed_calls.h"

#include <algorithm>

#include "policy/peers/squeezed_sums.h"

namespace ballast::squeezed {
namespace {

const Target* target_of(const std::vector<Target>& targets, std::int64_t domid) {
    const auto found = std::lower_bound(
        targets.begin(), targets.end(), domid,
        [](const Target& target, std::int64_t wanted) { return target.domid > wanted; });
    return found != targets.end() && found->domid == domid ? &*found : nullptr;
}

bool contains(const std::vector<std::int64_t>& ascending, std::int64_t domid) {
    return std::binary_search(ascending.begin(), ascending.end(), domid);
}

}  // namespace

bool Change::begin(const Host& host) const {
    return required_kib_ != host_target_kib_ && required_kib_ <= host.free_kib &&
           std::all_of(host.domains.begin(), host.domains.end(), [](const Domain& domain) {
               return !domain.can_balloon || at_target(domain, domain.target_kib);
           });
}

void Change::round(double now_s, const Host& host) {
    iteration_.look_at(host, required_kib_, goal_, now_s, look_);
    limit(host);
    if (look_.action == Look::Action::adjust) return;
    end_.emplace();
    if (look_.action == Look::Action::success) return;
    const bool nobody_to_blame =
        look_.refused.empty() || (look_.refused.size() == 1 && look_.refused[0] == 0);
    if (nobody_to_blame)
        *end_ = {End::Outcome::cannot_free, required_kib_, host.free_kib, {}};
    else
        *end_ = {End::Outcome::refused, 0, 0, look_.refused};
}

void Change::restart() noexcept {
    iteration_.forget();
    end_.reset();
}

void Change::limit(const Host& host) {
    limits_.clear();
    for (auto domain = host.domains.rbegin(); domain != host.domains.rend(); ++domain) {
        std::int64_t kib = domain->target_kib;
        if (contains(look_.became_inactive, domain->domid))
            kib = std::min(
                domain->max_kib,
                std::max(domain->min_kib, std::min(domain->target_kib, domain->actual_kib)));
        else if (const Target* const chosen = target_of(look_.targets, domain->domid))
            kib = chosen->target_kib;
        limits_.push_back({domain->domid, kib});
    }
}

End change_host_free_memory(World& world, std::int64_t required_kib, const Goal& goal,
                            const Settings& settings) {
    Change change(required_kib, settings.host_target_kib, goal, settings.faults);
    const std::optional<Host> first = world.host();
    if (!first) return {.outcome = End::Outcome::world_ended};
    if (change.begin(*first)) return {};
    for (;;) {
        const std::optional<double> now_s = world.now_s();
        if (!now_s) return {.outcome = End::Outcome::world_ended};
        const std::optional<Host> host = world.host();
        if (!host) return {.outcome = End::Outcome::world_ended};
        change.round(*now_s, *host);
        for (const Target& limit : change.limits()) world.set_limit(limit);
        if (change.end()) return *change.end();
        for (const Target& target : change.targets()) world.set_target(target);
        world.wait_s(1);
    }
}

End free_memory(World& world, std::int64_t required_kib, const Settings& settings) {
    const std::int64_t all_kib = plus(required_kib, settings.host_target_kib);
    return change_host_free_memory(world, all_kib, {Goal::Test::at_least, all_kib}, settings);
}

End free_memory_range(World& world, std::int64_t least_kib, std::int64_t most_kib,
                      const Settings& settings, std::int64_t& amount_kib) {
    std::optional<Host> host = world.host();
    if (!host) return {.outcome = End::Outcome::world_ended};
    // The domain to come counts as one more.
    host->domains.push_back({.domid = -1,
                             .can_balloon = true,
                             .min_kib = least_kib,
                             .max_kib = most_kib,
                             .target_kib = least_kib,
                             .inaccuracy_kib = 4});
    std::vector<Target> targets;
    compute_targets(*host, settings.host_target_kib, {}, targets);
    const std::int64_t share_kib = targets.back().target_kib;
    const End end = change_host_free_memory(
        world, plus(share_kib, settings.host_target_kib),
        {Goal::Test::at_least, plus(least_kib, settings.host_target_kib)}, settings);
    if (end.outcome != End::Outcome::ok) return end;
    const std::optional<Host> after = world.host();
    if (!after) return {.outcome = End::Outcome::world_ended};
    const std::int64_t usable_kib = minus(after->free_kib, settings.host_target_kib);
    amount_kib = std::max(least_kib, std::min(usable_kib, most_kib));
    return end;
}

Goal balanced(const Settings& settings) {
    return {Goal::Test::below, plus(settings.host_target_kib, settings.tolerance_kib)};
}

void balance_memory(World& world, const Settings& settings) {
    (void)change_host_free_memory(world, settings.host_target_kib, balanced(settings), settings);
}

bool changes_any(const Host& host, const std::vector<Target>& targets) {
    return std::any_of(host.domains.begin(), host.domains.end(), [&targets](const Domain& domain) {
        const Target* const target = target_of(targets, domain.domid);
        return target != nullptr && target->target_kib != domain.target_kib;
    });
}

std::optional<bool> is_host_memory_unbalanced(World& world, const Settings& settings) {
    const std::optional<Host> host = world.host();
    if (!host) return std::nullopt;
    const std::optional<double> now_s = world.now_s();
    if (!now_s) return std::nullopt;
    Look look;
    Iteration(settings.faults)
        .look_at(*host, settings.host_target_kib, balanced(settings), *now_s, look);
    return changes_any(*host, look.targets);
}

}  // namespace ballast::squeezed
