// A scenario's events in the order in which they happen.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "model/scenario.h"

namespace ballast {

enum class EventPhase : std::uint8_t {
    once,   // happens and is over
    begin,  // of something that lasts
    end,
};

struct TimelineEntry {
    Duration at{};  // since the start
    EventPhase phase = EventPhase::once;
    std::size_t event = 0;  // index in the events; the same for a begin and its end
};

// One thread. Actions that last (pause, hotplug_*, migrate, driver_*, stats_*, reserve) give a
// begin and an end. With `lasts` 0 a hotplug or a migration ends in the same instant, and the
// others never end by themselves.
class Timeline {
  public:
    Timeline() = default;
    explicit Timeline(std::vector<ScenarioEvent> events);

    // When the next entry happens; nullopt after the last.
    std::optional<Duration> next_at() const noexcept;
    // Takes the next entry if it is due at `since`; nullptr otherwise. Entries of the same time
    // come in the file's order, what ends then before what begins.
    const TimelineEntry* pop_due(Duration since) noexcept;

    const ScenarioEvent& event_of(const TimelineEntry& entry) const noexcept {
        return events_[entry.event];
    }

  private:
    std::vector<ScenarioEvent> events_;
    std::vector<TimelineEntry> entries_;
    std::size_t next_ = 0;
};

}  // namespace ballast
