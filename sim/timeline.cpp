#include "sim/timeline.h"

#include <algorithm>
#include <utility>

namespace ballast {
namespace {

bool always_ends(ScenarioAction action) noexcept {
    switch (action) {
        case ScenarioAction::hotplug_remove:
        case ScenarioAction::hotplug_add:
        case ScenarioAction::hotplug_cancel:
        case ScenarioAction::migrate:
            return true;
        default:
            return false;
    }
}

bool may_last(ScenarioAction action) noexcept {
    switch (action) {
        case ScenarioAction::pause:
        case ScenarioAction::driver_gone:
        case ScenarioAction::driver_slow:
        case ScenarioAction::driver_intermittent:
        case ScenarioAction::stats_stale:
        case ScenarioAction::stats_lying:
        case ScenarioAction::reserve:
            return true;
        default:
            return always_ends(action);
    }
}

}  // namespace

Timeline::Timeline(std::vector<ScenarioEvent> events) : events_(std::move(events)) {
    for (std::size_t i = 0; i < events_.size(); ++i) {
        const ScenarioEvent& event = events_[i];
        const bool lasts = may_last(event.action);
        entries_.push_back({event.at, lasts ? EventPhase::begin : EventPhase::once, i});
        if (always_ends(event.action) || (lasts && event.lasts > Duration::zero()))
            entries_.push_back({event.at + event.lasts, EventPhase::end, i});
    }
    // What began earlier ends before anything new begins; an instant pair keeps its order.
    const auto rank = [this](const TimelineEntry& entry) {
        return entry.phase == EventPhase::end && entry.at > events_[entry.event].at ? 0 : 1;
    };
    std::stable_sort(entries_.begin(), entries_.end(),
                     [&rank](const TimelineEntry& a, const TimelineEntry& b) {
                         return std::pair(a.at, rank(a)) < std::pair(b.at, rank(b));
                     });
}

std::optional<Duration> Timeline::next_at() const noexcept {
    if (next_ == entries_.size()) return std::nullopt;
    return entries_[next_].at;
}

const TimelineEntry* Timeline::pop_due(Duration since) noexcept {
    if (next_ == entries_.size() || entries_[next_].at > since) return nullptr;
    return &entries_[next_++];
}

}  // namespace ballast
