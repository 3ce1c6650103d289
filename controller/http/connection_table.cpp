#include "controller/http/connection_table.h"

#include <algorithm>
#include <utility>

namespace ballast {

Duration ConnectionTable::longest(Phase phase) noexcept {
    switch (phase) {
        case Phase::idle:
            return std::chrono::seconds(15);
        case Phase::headers:
            return std::chrono::seconds(5);
        case Phase::body:
            return std::chrono::seconds(10);
        case Phase::sending:
            return std::chrono::minutes(1);
        case Phase::handling:
        case Phase::streaming:
            break;
    }
    return Duration{0};
}

ConnectionTable::ConnectionTable(const Places& places, const Clock& clock,
                                 std::function<void(int fd)> cut)
    : places_(places), clock_(clock), cut_(std::move(cut)) {}

std::size_t ConnectionTable::count_up_to(Rank rank) const {
    return static_cast<std::size_t>(std::count_if(
        entries_.begin(), entries_.end(),
        [rank](const auto& entry) { return !entry.second.is_cut && entry.second.rank <= rank; }));
}

ConnectionTable::Entries::iterator ConnectionTable::longest_waiting(Rank up_to) {
    auto found = entries_.end();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        const Entry& candidate = entry->second;
        const bool can_go = !candidate.is_cut && candidate.rank <= up_to &&
                            candidate.phase != Phase::handling &&
                            candidate.phase != Phase::streaming;
        if (can_go && (found == entries_.end() || candidate.order < found->second.order))
            found = entry;
    }
    return found;
}

void ConnectionTable::cut(Entries::value_type& entry) {
    entry.second.is_cut = true;
    cut_(entry.first);
}

void ConnectionTable::add(int fd, Rank rank) {
    const std::lock_guard lock(mutex_);
    bool has_place = count_up_to(rank) < places_[static_cast<std::size_t>(rank)];
    if (!has_place) {
        const auto oldest = longest_waiting(rank);
        has_place = oldest != entries_.end();
        if (has_place) cut(*oldest);
    }
    const auto added =
        entries_.insert_or_assign(fd, Entry{rank, Phase::idle, clock_.now(), ++entered_, false})
            .first;
    if (!has_place) cut(*added);
}

void ConnectionTable::enter(int fd, Phase phase) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(fd);
    if (found == entries_.end()) return;
    found->second.phase = phase;
    found->second.since = clock_.now();
    found->second.order = ++entered_;
}

void ConnectionTable::remove(int fd) {
    const std::lock_guard lock(mutex_);
    entries_.erase(fd);
}

void ConnectionTable::cut_overdue() {
    const std::lock_guard lock(mutex_);
    const Time now = clock_.now();
    for (auto& entry : entries_) {
        const Duration most = longest(entry.second.phase);
        if (!entry.second.is_cut && most.count() > 0 && now - entry.second.since > most) cut(entry);
    }
}

std::size_t ConnectionTable::count() const {
    const std::lock_guard lock(mutex_);
    return count_up_to(Rank::root);
}

}  // namespace ballast
