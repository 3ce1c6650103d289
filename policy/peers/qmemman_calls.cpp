#include "policy/peers/qmemman_calls.h"

#include <algorithm>
#include <cmath>

namespace ballast::qmemman {
namespace {

// Xen's own bookkeeping per page; what is left of a free byte once it is handed out.
constexpr double assignable = 1.0 / 1.00781;

}  // namespace

void System::refresh(std::size_t row, double held_bytes) {
    Domain& domain = domains[row];
    const Limits& limit = limits[row];
    domain.current_bytes = held_bytes;
    domain.actual_bytes = std::max(held_bytes, domain.last_target_bytes);
    const double static_bytes = limit.static_max_bytes != 0 ? limit.static_max_bytes : all_bytes;
    domain.max_bytes = limit.hotplug_max_bytes != 0 ? limit.hotplug_max_bytes : static_bytes;
    promised_together_bytes_.reset();
}

double System::promised_bytes(std::size_t row) const {
    return std::max(0.0, domains[row].last_target_bytes - domains[row].current_bytes);
}

// Kept up to date from set to set: a call asks for it once for each.
double System::free_bytes(double machine_free_bytes) {
    if (!promised_together_bytes_) {
        promised_together_bytes_ = 0;
        for (std::size_t row = 0; row < domains.size(); ++row)
            *promised_together_bytes_ += promised_bytes(row);
    }
    return std::trunc(machine_free_bytes * assignable) - *promised_together_bytes_;
}

void System::set(std::size_t row, double memory_target_bytes) {
    const double before_bytes = promised_bytes(row);
    domains[row].last_target_bytes = memory_target_bytes;
    if (promised_together_bytes_) *promised_together_bytes_ += promised_bytes(row) - before_bytes;
    sets_.push_back({row, memory_target_bytes});
}

Want BalanceCall::start() {
    available_bytes_.reset();
    at_ = At::refreshed;
    return Want::memory;
}

Want BalanceCall::resume(double free_bytes) {
    switch (at_) {
        case At::refreshed:
            clear_markers(system_.domains, system_.algorithm().tuning());
            at_ = At::weighed;
            return Want::free;
        case At::weighed:
            return weigh(free_bytes);
        case At::room:
            return serve(free_bytes);
        case At::paused:
            at_ = At::waited;
            return Want::memory;
        case At::waited:
            if (--tries_ > 0) {
                at_ = At::room;
                return Want::free;
            }
            mark_stuck();
            at_ = At::stuck;
            return Want::free;
        case At::stuck: {
            // It gets what there is, and the others nothing.
            const std::size_t row = requests_[next_].row;
            system_.set(row, free_bytes + system_.domains[row].actual_bytes - free_left_bytes);
            return end(Want::done);
        }
        case At::last:
            available_bytes_ = system_.algorithm()
                                   .weigh(free_bytes - free_left_bytes, system_.domains)
                                   .available_bytes;
            return end(Want::done);
        case At::ended:
            break;
    }
    return Want::done;
}

Want BalanceCall::end(Want want) {
    at_ = At::ended;
    return want;
}

Want BalanceCall::weigh(double free_bytes) {
    const auto requests =
        system_.algorithm().balance(free_bytes - free_left_bytes, system_.domains);
    if (!system_.algorithm().significant(requests, free_bytes, system_.domains))
        return end(Want::done);
    requests_.assign(requests.begin(), requests.end());
    held_before_bytes_.clear();
    for (const Domain& domain : system_.domains) held_before_bytes_.push_back(domain.actual_bytes);
    next_ = 0;
    return next_request();
}

Want BalanceCall::next_request() {
    tries_ = 5;
    at_ = next_ < requests_.size() ? At::room : At::last;
    return Want::free;
}

// Gives the next domain what it is to have, once there is room for it.
Want BalanceCall::serve(double free_bytes) {
    const Request& request = requests_[next_];
    const double growth_bytes =
        request.memory_target_bytes - system_.domains[request.row].actual_bytes;
    if (free_bytes - growth_bytes < 0.9 * free_left_bytes) {
        at_ = At::paused;
        return Want::pause;
    }
    system_.set(request.row, request.memory_target_bytes);
    ++next_;
    return next_request();
}

// Of those that were set before, who keeps more than it was told to.
void BalanceCall::mark_stuck() {
    for (std::size_t earlier = 0; earlier < next_; ++earlier) {
        const std::size_t row = requests_[earlier].row;
        Domain& domain = system_.domains[row];
        if (!(domain.actual_bytes > domain.last_target_bytes + free_left_bytes / 4)) continue;
        const bool unmoved = held_before_bytes_[row] == domain.actual_bytes;
        (unmoved ? domain.no_progress : domain.slow) = true;
    }
}

Want BalloonCall::start() {
    for (Domain& domain : system_.domains) domain.no_progress = false;
    free_ring_bytes_.assign(period, 0);
    at_ = At::refreshed;
    return Want::memory;
}

Want BalloonCall::resume(double free_bytes) {
    switch (at_) {
        case At::refreshed:
            at_ = At::measured;
            return Want::free;
        case At::measured:
            return measure(free_bytes);
        case At::paused:
            ++round_;
            at_ = At::refreshed;
            return Want::memory;
        case At::ended:
            break;
    }
    return Want::done;
}

Want BalloonCall::end(bool freed) {
    at_ = At::ended;
    freed_ = freed;
    return Want::done;
}

Want BalloonCall::measure(double free_bytes) {
    constexpr double least_in_period_bytes = 300 * mib;
    if (free_bytes >= wanted_bytes_ + free_least_bytes) {
        inhibit_growth();
        return end(true);
    }
    double& period_ago_bytes = free_ring_bytes_[round_ % period];
    if (round_ >= period && free_bytes < period_ago_bytes + least_in_period_bytes)
        return end(false);
    period_ago_bytes = free_bytes;
    mark_stuck();
    const auto requests =
        system_.algorithm().balloon(wanted_bytes_ + free_left_bytes - free_bytes, system_.domains);
    if (requests.empty()) return end(false);
    asked_.clear();
    for (const Request& request : requests) {
        system_.set(request.row, request.memory_target_bytes);
        asked_.push_back({request.row, system_.domains[request.row].actual_bytes});
    }
    at_ = At::paused;
    return Want::pause;
}

// One that holds to the byte what it held is left out for the rest of the call, after 0.1 s.
void BalloonCall::mark_stuck() {
    for (const Request& held : asked_) {
        Domain& domain = system_.domains[held.row];
        if (domain.actual_bytes == held.memory_target_bytes) domain.no_progress = true;
    }
}

// Nobody may grow into what was just freed.
void BalloonCall::inhibit_growth() {
    constexpr double slack_bytes = 200 * 1024;
    for (std::size_t row = 0; row < system_.domains.size(); ++row) {
        const Domain& domain = system_.domains[row];
        if (domain.actual_bytes + slack_bytes < domain.last_target_bytes)
            system_.set(row, domain.actual_bytes);
    }
}

Want DomainCall::start() {
    if (wishes_.empty()) return end(false);
    for (const Wish& wish : wishes_) {
        Domain& domain = system_.domains[wish.row];
        domain.no_progress = false;
        Way way{wish.memory_target_bytes, false, {}};
        if (wish.memory_target_bytes == 0) {
            // It is as it was made; nothing is known that it would prefer.
            way.there = !domain.used_bytes;
            if (!way.there)
                way.memory_target_bytes = pref_bytes(domain, system_.algorithm().tuning());
        }
        ways_.push_back(std::move(way));
    }
    return Want::memory;
}

Want DomainCall::resume() {
    if (!paused_) return look();
    paused_ = false;
    ++round_;
    return Want::memory;
}

bool DomainCall::watches(std::size_t row) const {
    return std::any_of(wishes_.begin(), wishes_.end(),
                       [row](const Wish& wish) { return wish.row == row; });
}

Want DomainCall::end(bool reached) {
    reached_ = reached;
    return Want::done;
}

bool DomainCall::slow(const Way& way) const {
    constexpr std::size_t check_rounds = 30;
    constexpr std::size_t second_rounds = 10;
    if (round_ < check_rounds) return false;
    const double before_bytes = way.held_bytes[way.held_bytes.size() - second_rounds];
    return std::trunc((before_bytes - way.held_bytes.back()) / mib) < 100;
}

Want DomainCall::look() {
    // The largest double whose ratio, rounded to two digits, is not above 1.10.
    constexpr double near_enough = 1.105;
    bool all_there = true;
    bool any_slow = false;
    for (std::size_t index = 0; index < wishes_.size(); ++index) {
        const Domain& domain = system_.domains[wishes_[index].row];
        Way& way = ways_[index];
        if (way.there) continue;
        if (round_ > 0 && round_ % 10 == 0 && wishes_[index].memory_target_bytes == 0)
            way.memory_target_bytes = pref_bytes(domain, system_.algorithm().tuning());
        // One that is to grow counts as there at once: it is never set at all.
        way.there = domain.actual_bytes / way.memory_target_bytes <= near_enough;
        if (way.there) continue;
        all_there = false;
        way.held_bytes.push_back(domain.actual_bytes);
        any_slow = any_slow || slow(way);
    }
    if (all_there) return end(true);
    if (any_slow) return end(false);
    for (std::size_t index = 0; index < wishes_.size(); ++index)
        if (!ways_[index].there) system_.set(wishes_[index].row, ways_[index].memory_target_bytes);
    paused_ = true;
    return Want::pause;
}

}  // namespace ballast::qmemman
