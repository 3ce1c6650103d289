#include "tests/unit/mock/mock_fixture.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

TEST_CASE("loan_request and used replace the curves from their time on") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::loan_request, "g", 64 * kMiB),
                       event(2s, ScenarioAction::used, "g", 500 * kMiB)};
    Desk desk(scenario);
    desk.pass(1s);
    CHECK(desk.seen.domains.loan_request_bytes[0] == 64 * static_cast<std::int64_t>(kMiB));
    desk.pass(1s);
    CHECK(desk.seen.domains.unused_bytes[0] == kGiB - 500 * kMiB);
}

TEST_CASE("a paused guest moves nothing until it is resumed") {
    ScenarioDomain slow = guest("g");
    slow.speed_bytes_per_s = 32 * kMiB;
    Scenario scenario = scenario_of({slow});
    scenario.events = {event(2s, ScenarioAction::pause, "g"),
                       event(5s, ScenarioAction::resume, "g")};
    Desk desk(scenario);
    desk.lend("g", 256 * kMiB);
    desk.pass(1s);
    desk.pass(1s);
    const std::uint64_t frozen = desk.loaned("g");
    CHECK(has(desk.flags("g"), DomainFlags::paused));
    desk.pass(2s);
    CHECK(desk.loaned("g") == frozen);
    const StepOutcome refused = desk.lend("g", 0);
    CHECK(refused.status == StepStatus::refused);
    CHECK(refused.constraint == Constraint::paused);
    desk.pass(1s);
    CHECK_FALSE(has(desk.flags("g"), DomainFlags::paused));
    desk.pass(1s);
    CHECK(desk.loaned("g") == frozen + 32 * kMiB);
    CHECK(desk.sink.kinds() == std::vector{EventKind::domain_paused, EventKind::domain_resumed});
}

TEST_CASE("a guest without a driver refuses steps for as long as it has none") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::driver_gone, "g", 0, 2s)};
    Desk desk(scenario);
    desk.pass(1s);
    CHECK(desk.lend("g", kMiB).constraint == Constraint::no_driver);
    desk.pass(2s);
    CHECK(desk.lend("g", kMiB).status == StepStatus::done);
}

TEST_CASE("stale statistics freeze, and are flagged") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::stats_stale, "g", 0, 2s),
                       event(2s, ScenarioAction::used, "g", 700 * kMiB)};
    Desk desk(scenario);
    const std::uint64_t before = desk.seen.domains.unused_bytes[0];
    desk.pass(2s);
    CHECK(has(desk.flags("g"), DomainFlags::stale_stats));
    CHECK(desk.seen.domains.unused_bytes[0] == before);
    desk.pass(1s);
    CHECK_FALSE(has(desk.flags("g"), DomainFlags::stale_stats));
    CHECK(desk.seen.domains.unused_bytes[0] == kGiB - 700 * kMiB);
}

TEST_CASE("memory that is removed cannot be what is lent, and nothing is lent meanwhile") {
    ScenarioDomain stubborn = guest("g");
    stubborn.deflate_on_oom = false;
    Scenario scenario = scenario_of({stubborn});
    scenario.events = {event(1s, ScenarioAction::hotplug_remove, "g", kGiB, 2s)};
    Desk desk(scenario);
    desk.lend("g", 256 * kMiB);
    desk.pass(1s);
    CHECK(has(desk.flags("g"), DomainFlags::hotplug));
    CHECK(desk.lend("g", 512 * kMiB).constraint == Constraint::hotplug);
    CHECK(desk.lend("g", 128 * kMiB).status == StepStatus::done);
    desk.pass(2s);
    CHECK(desk.seen.domains.total_bytes[0] == 128 * kMiB);
    CHECK(desk.sink.kinds() == std::vector{EventKind::hotplug_began, EventKind::hotplug_ended});
    CHECK(desk.sink.events[1].bytes == kGiB - 128 * kMiB);
}

TEST_CASE("memory may be added, and a removal called off") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::hotplug_add, "g", kGiB),
                       event(2s, ScenarioAction::hotplug_cancel, "g", 256 * kMiB, 1s)};
    Desk desk(scenario);
    desk.pass(1s);
    CHECK(desk.seen.domains.total_bytes[0] == 2 * kGiB);
    desk.pass(2s);
    CHECK(desk.seen.domains.total_bytes[0] == 2 * kGiB);
    CHECK(desk.sink.kinds() == std::vector{EventKind::hotplug_began, EventKind::hotplug_ended,
                                           EventKind::hotplug_began, EventKind::hotplug_cancelled});
}

TEST_CASE("a migration begins and ends, pages are moved and told of") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::migrate, "g", 0, 3s),
                       event(2s, ScenarioAction::migrate_pages, "g", 64 * kMiB)};
    Desk desk(scenario);
    desk.lend("g", 16 * kMiB);
    desk.pass(2s);
    CHECK(has(desk.flags("g"), DomainFlags::migrating));
    desk.pass(2s);
    CHECK_FALSE(has(desk.flags("g"), DomainFlags::migrating));
    REQUIRE(desk.sink.kinds() == std::vector{EventKind::migration_began, EventKind::page_migrated,
                                             EventKind::migration_ended});
    CHECK(desk.sink.events[1].bytes == 16 * kMiB);  // no more than is lent
    CHECK(desk.loaned("g") == 16 * kMiB);
}

TEST_CASE("a domain that goes and comes back has nothing lent, and rows follow") {
    Scenario scenario = scenario_of({guest("a"), guest("b"), guest("c")});
    scenario.events = {event(1s, ScenarioAction::domain_stop, "a"),
                       event(3s, ScenarioAction::domain_start, "a")};
    Desk desk(scenario);
    desk.lend("a", 128 * kMiB);
    desk.lend("c", 64 * kMiB);
    const std::uint64_t membership = desk.seen.domains.membership;
    const Step stale{desk.row("a"), key_from_name("a"), 0, kMiB};
    desk.pass(1s);
    CHECK(desk.seen.domains.size() == 2);
    CHECK(desk.seen.domains.membership != membership);
    CHECK(desk.loaned("c") == 64 * kMiB);
    CHECK(desk.backend->apply(stale).status == StepStatus::gone);
    CHECK(desk.lend("c", 32 * kMiB).status == StepStatus::done);
    desk.pass(2s);
    CHECK(desk.seen.domains.size() == 3);
    CHECK(desk.loaned("a") == 0);
    CHECK(desk.loaned("c") == 32 * kMiB);
    CHECK(desk.sink.kinds() == std::vector{EventKind::domain_went, EventKind::domain_came});
}

TEST_CASE("an event names domains by glob, and no name means all") {
    Scenario scenario = scenario_of({guest("db-1"), guest("db-2"), guest("web")});
    scenario.events = {event(1s, ScenarioAction::pause, "db-*"),
                       event(2s, ScenarioAction::pause, "")};
    Desk desk(scenario);
    desk.pass(1s);
    CHECK(has(desk.flags("db-1"), DomainFlags::paused));
    CHECK(has(desk.flags("db-2"), DomainFlags::paused));
    CHECK_FALSE(has(desk.flags("web"), DomainFlags::paused));
    desk.pass(1s);
    CHECK(has(desk.flags("web"), DomainFlags::paused));
}

TEST_CASE("memory that leaves takes a move's goal along") {
    ScenarioDomain slow = guest("g");
    slow.deflate_on_oom = false;
    slow.speed_bytes_per_s = 128 * kMiB;
    Scenario scenario = scenario_of({slow});
    scenario.events = {event(1s, ScenarioAction::hotplug_remove, "g", 512 * kMiB, 1s)};
    Desk desk(scenario);
    desk.lend("g", kGiB);
    desk.pass(2s);
    CHECK(desk.seen.domains.total_bytes[0] == 512 * kMiB);
    CHECK(desk.loaned("g") == 256 * kMiB);
    desk.pass(1min);
    CHECK(desk.loaned("g") == 512 * kMiB);
    CHECK(desk.seen.domains.unused_bytes[0] == 0);
}

TEST_CASE("a pause and a resume that change nothing are not told") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {
        event(1s, ScenarioAction::resume, "g"), event(2s, ScenarioAction::pause, "g", 0, 4s),
        event(3s, ScenarioAction::pause, "g"), event(5s, ScenarioAction::resume, "g")};
    Desk desk(scenario);
    desk.pass(10s);
    REQUIRE(desk.sink.kinds() == std::vector{EventKind::domain_paused, EventKind::domain_resumed});
    CHECK_FALSE(has(desk.flags("g"), DomainFlags::paused));
}

TEST_CASE("what began before a guest stopped does not end in its next life") {
    const auto action =
        GENERATE(ScenarioAction::hotplug_remove, ScenarioAction::hotplug_add,
                 ScenarioAction::migrate, ScenarioAction::pause, ScenarioAction::driver_gone);
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, action, "g", 256 * kMiB, 9s),
                       event(2s, ScenarioAction::domain_stop, "g"),
                       event(3s, ScenarioAction::domain_start, "g")};
    Desk desk(scenario);
    desk.pass(3s);
    CHECK(desk.flags("g") == DomainFlags::deflate_on_oom);
    const std::size_t told = desk.sink.events.size();
    desk.pass(10s);
    CHECK(desk.sink.events.size() == told);
    CHECK(desk.seen.domains.total_bytes[0] == kGiB);
}

TEST_CASE("nothing happens to a guest that is not there, and starting one that runs is nothing") {
    Scenario scenario = scenario_of({guest("g"), guest("other")});
    scenario.events = {event(1s, ScenarioAction::domain_start, "g"),
                       event(2s, ScenarioAction::domain_stop, "g"),
                       event(3s, ScenarioAction::hotplug_add, "g", kGiB),
                       event(4s, ScenarioAction::domain_stop, "g")};
    Desk desk(scenario);
    desk.pass(5s);
    CHECK(desk.sink.kinds() == std::vector{EventKind::domain_went});
    CHECK(desk.seen.domains.name == std::vector<std::string>{"other"});
}

TEST_CASE("every event carries its domain and its time") {
    Scenario scenario = scenario_of({guest("a"), guest("b")});
    scenario.events = {event(1s, ScenarioAction::migrate, "b", 0, 2s)};
    Desk desk(scenario);
    desk.pass(1s);
    desk.pass(2s);
    REQUIRE(desk.sink.events.size() == 2);
    for (const Event& told : desk.sink.events) CHECK(told.domain == key_from_name("b"));
    CHECK(desk.sink.events[0].at == Time{} + 1s);
    CHECK(desk.sink.events[1].at == Time{} + 3s);
}

TEST_CASE("a slow driver moves at a hundredth of its speed while that lasts") {
    ScenarioDomain guest_with_speed = guest("g");
    guest_with_speed.speed_bytes_per_s = 100 * kMiB;
    Scenario scenario = scenario_of({guest_with_speed});
    scenario.events = {event(0s, ScenarioAction::driver_slow, "g")};
    scenario.events[0].lasts = 10s;
    Desk desk(scenario);
    desk.pass(1s);
    desk.lend("g", 256 * kMiB);
    for (int i = 0; i < 9; ++i) desk.pass(1s);
    CHECK(desk.loaned("g") == 9 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 109 * kMiB);
}

TEST_CASE("a driver that is slow takes its time though the balloon has no speed") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::driver_slow, "g")};
    Desk desk(scenario);
    CHECK(desk.backend->capabilities().asynchronous);
    desk.pass(1s);
    desk.lend("g", 256 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 16 * kMiB);
}

TEST_CASE("an intermittent driver stands still every other half minute") {
    ScenarioDomain guest_with_speed = guest("g");
    guest_with_speed.speed_bytes_per_s = kMiB;
    Scenario scenario = scenario_of({guest_with_speed});
    scenario.events = {event(0s, ScenarioAction::driver_intermittent, "g")};
    Desk desk(scenario);
    desk.lend("g", 256 * kMiB);
    for (int i = 0; i < 29; ++i) desk.pass(1s);
    CHECK(desk.loaned("g") == 29 * kMiB);
    for (int i = 0; i < 30; ++i) desk.pass(1s);
    CHECK(desk.loaned("g") == 29 * kMiB);
    for (int i = 0; i < 3; ++i) desk.pass(1s);
    CHECK(desk.loaned("g") == 32 * kMiB);
}

TEST_CASE("a guest that lies tells that it uses nothing, without any flag, and later the truth") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::stats_lying, "g")};
    scenario.events[0].lasts = 2s;
    Desk desk(scenario);
    desk.pass(1s);
    CHECK(desk.seen.domains.unused_bytes[0] == kGiB);
    CHECK(desk.seen.domains.usable_bytes[0] == kGiB);
    CHECK(desk.flags("g") == DomainFlags::deflate_on_oom);
    desk.pass(2s);
    CHECK(desk.seen.domains.unused_bytes[0] == kGiB - 200 * kMiB);
}
