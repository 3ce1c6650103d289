#include "sim/timeline.h"

#include <catch2/catch.hpp>

using namespace ballast;
using namespace std::chrono_literals;

namespace {

ScenarioEvent event(Duration at, ScenarioAction action, Duration lasts = 0s) {
    ScenarioEvent e;
    e.at = at;
    e.action = action;
    e.lasts = lasts;
    return e;
}

struct Seen {
    std::size_t event;
    EventPhase phase;
    friend bool operator==(const Seen& a, const Seen& b) {
        return a.event == b.event && a.phase == b.phase;
    }
};

std::vector<Seen> pop_all(Timeline& timeline, Duration since) {
    std::vector<Seen> seen;
    while (const TimelineEntry* entry = timeline.pop_due(since))
        seen.push_back({entry->event, entry->phase});
    return seen;
}

}  // namespace

TEST_CASE("an empty timeline has nothing next") {
    Timeline timeline;
    CHECK_FALSE(timeline.next_at());
    CHECK(timeline.pop_due(1h) == nullptr);
}

TEST_CASE("entries come when they are due, sorted by time") {
    Timeline timeline({event(20s, ScenarioAction::oom), event(10s, ScenarioAction::used)});
    CHECK(timeline.next_at() == std::optional<Duration>(10s));
    CHECK(timeline.pop_due(9s) == nullptr);
    CHECK(pop_all(timeline, 10s) == std::vector<Seen>{{1, EventPhase::once}});
    CHECK(timeline.next_at() == std::optional<Duration>(20s));
    CHECK(pop_all(timeline, 1min) == std::vector<Seen>{{0, EventPhase::once}});
    CHECK_FALSE(timeline.next_at());
}

TEST_CASE("what lasts begins and ends") {
    Timeline timeline({event(5s, ScenarioAction::pause, 10s)});
    CHECK(pop_all(timeline, 14s) == std::vector<Seen>{{0, EventPhase::begin}});
    CHECK(timeline.next_at() == std::optional<Duration>(15s));
    CHECK(pop_all(timeline, 15s) == std::vector<Seen>{{0, EventPhase::end}});
}

TEST_CASE("without a length a pause stays and a hotplug ends at once") {
    Timeline timeline({event(5s, ScenarioAction::pause), event(6s, ScenarioAction::hotplug_remove),
                       event(6s, ScenarioAction::oom)});
    CHECK(pop_all(timeline, 1h) == std::vector<Seen>{{0, EventPhase::begin},
                                                     {1, EventPhase::begin},
                                                     {1, EventPhase::end},
                                                     {2, EventPhase::once}});
}

TEST_CASE("at the same time ends come before begins, whatever the file's order") {
    Timeline timeline({event(15s, ScenarioAction::hotplug_remove, 5s),
                       event(5s, ScenarioAction::hotplug_remove, 10s)});
    CHECK(pop_all(timeline, 15s) ==
          std::vector<Seen>{{1, EventPhase::begin}, {1, EventPhase::end}, {0, EventPhase::begin}});
}

TEST_CASE("the event of an entry is the scenario's") {
    Timeline timeline({event(5s, ScenarioAction::oom)});
    const TimelineEntry* entry = timeline.pop_due(5s);
    REQUIRE(entry != nullptr);
    CHECK(timeline.event_of(*entry).action == ScenarioAction::oom);
}

TEST_CASE("every action that lasts has its end, the others do not") {
    const auto [action, ends] =
        GENERATE(table<ScenarioAction, bool>({{ScenarioAction::pause, true},
                                              {ScenarioAction::hotplug_remove, true},
                                              {ScenarioAction::hotplug_add, true},
                                              {ScenarioAction::hotplug_cancel, true},
                                              {ScenarioAction::migrate, true},
                                              {ScenarioAction::driver_gone, true},
                                              {ScenarioAction::stats_stale, true},
                                              {ScenarioAction::loan_request, false},
                                              {ScenarioAction::used, false},
                                              {ScenarioAction::oom, false},
                                              {ScenarioAction::resume, false},
                                              {ScenarioAction::migrate_pages, false},
                                              {ScenarioAction::domain_stop, false},
                                              {ScenarioAction::domain_start, false}}));
    Timeline timeline({event(5s, action, 10s)});
    const std::vector<Seen> once{{0, EventPhase::once}};
    const std::vector<Seen> both{{0, EventPhase::begin}, {0, EventPhase::end}};
    CHECK(pop_all(timeline, 1h) == (ends ? both : once));
}
