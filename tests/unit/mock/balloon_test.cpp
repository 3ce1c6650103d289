#include "tests/unit/mock/mock_fixture.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

TEST_CASE("a guest shows what it has, and what its programs leave free") {
    Desk desk(scenario_of({guest("g")}));
    REQUIRE(desk.seen.domains.size() == 1);
    CHECK(desk.seen.domains.total_bytes[0] == kGiB);
    CHECK(desk.loaned("g") == 0);
    CHECK(desk.seen.domains.unused_bytes[0] == kGiB - 200 * kMiB);
    CHECK(desk.seen.domains.loan_request_bytes[0] == 0);
    CHECK(has(desk.flags("g"), DomainFlags::deflate_on_oom));
    CHECK(desk.seen.host.total_bytes == kGiB);
    CHECK(desk.seen.host.available_bytes == 0);
}

TEST_CASE("without a speed the balloon is where it was asked to be at once") {
    Desk desk(scenario_of({guest("g")}));
    CHECK_FALSE(desk.backend->capabilities().asynchronous);
    CHECK(desk.lend("g", 256 * kMiB).status == StepStatus::done);
    desk.look();
    CHECK(desk.loaned("g") == 256 * kMiB);
    CHECK(desk.seen.domains.unused_bytes[0] == kGiB - 200 * kMiB - 256 * kMiB);
    CHECK(desk.seen.host.available_bytes == 256 * kMiB);
}

TEST_CASE("with a speed it moves by so much a second, both ways, and stops at its goal") {
    ScenarioDomain slow = guest("g");
    slow.speed_bytes_per_s = 32 * kMiB;
    Desk desk(scenario_of({slow}));
    CHECK(desk.backend->capabilities().asynchronous);
    CHECK(desk.lend("g", 80 * kMiB).status == StepStatus::accepted);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 32 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 64 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 80 * kMiB);
    CHECK(desk.lend("g", 0).loaned_bytes == 80 * kMiB);
    desk.pass(2s);
    CHECK(desk.loaned("g") == 16 * kMiB);
}

TEST_CASE("the hypervisor's request is the script's loan less what is lent") {
    ScenarioDomain asked = guest("g");
    asked.loan = Curve{{{0s, 0}, {10s, 100 * kMiB}}, std::nullopt, 0};
    Desk desk(scenario_of({asked}));
    desk.pass(5s);
    CHECK(desk.seen.domains.loan_request_bytes[0] == 50 * static_cast<std::int64_t>(kMiB));
    desk.lend("g", 80 * kMiB);
    desk.look();
    CHECK(desk.seen.domains.loan_request_bytes[0] == -30 * static_cast<std::int64_t>(kMiB));
}

TEST_CASE("a guest whose programs need more than is left takes memory back and tells of it") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::used, "g", 900 * kMiB)};
    Desk desk(scenario);
    desk.lend("g", 512 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 124 * kMiB);
    REQUIRE(desk.sink.kinds() == std::vector{EventKind::oom});
    CHECK(desk.sink.events[0].bytes == 388 * kMiB);
    CHECK(desk.sink.events[0].loaned_bytes == 124 * kMiB);
}

TEST_CASE("a guest without deflate on OOM keeps its balloon") {
    ScenarioDomain stubborn = guest("g");
    stubborn.deflate_on_oom = false;
    Scenario scenario = scenario_of({stubborn});
    scenario.events = {event(1s, ScenarioAction::used, "g", 900 * kMiB)};
    Desk desk(scenario);
    desk.lend("g", 512 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 512 * kMiB);
    CHECK(desk.seen.domains.unused_bytes[0] == 0);
    CHECK(desk.sink.events.empty());
}

TEST_CASE("an oom event frees what the guest's driver is set to free, at most what is lent") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::oom, "g"), event(2s, ScenarioAction::oom, "g"),
                       event(3s, ScenarioAction::oom, "g")};
    Desk desk(scenario);
    desk.backend->set_guest_tunables(key_from_name("g"), {.oom_release_bytes = 3 * kMiB});
    desk.backend->set_guest_tunables(key_from_name("nobody"), {.oom_release_bytes = kGiB});
    desk.lend("g", 4 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 0);
    desk.pass(1s);
    REQUIRE(desk.sink.events.size() == 2);  // the third had nothing to free
    CHECK(desk.sink.events[1].bytes == kMiB);
}

TEST_CASE("a balloon's speed does not depend on how often one looks") {
    ScenarioDomain slow = guest("g");
    slow.speed_bytes_per_s = kMiB;  // a 64 KiB page takes 62.5 ms
    Desk desk(scenario_of({slow}));
    desk.lend("g", 256 * kMiB);
    for (int i = 0; i < 1000; ++i) desk.pass(10ms);
    CHECK(desk.loaned("g") == 10 * kMiB);
}

TEST_CASE("a step takes the place of the one that is still on its way") {
    ScenarioDomain slow = guest("g");
    slow.speed_bytes_per_s = 32 * kMiB;
    Desk desk(scenario_of({slow}));
    desk.lend("g", 256 * kMiB);
    desk.pass(2s);
    desk.lend("g", 32 * kMiB);
    desk.pass(10s);
    CHECK(desk.loaned("g") == 32 * kMiB);
}

TEST_CASE("an OOM ends the move that was on its way") {
    ScenarioDomain slow = guest("g");
    slow.speed_bytes_per_s = 32 * kMiB;
    Scenario scenario = scenario_of({slow});
    scenario.events = {event(2s, ScenarioAction::oom, "g")};
    Desk desk(scenario);
    desk.backend->set_guest_tunables(key_from_name("g"), {.oom_release_bytes = 8 * kMiB});
    desk.lend("g", 256 * kMiB);
    desk.pass(2s);
    CHECK(desk.loaned("g") == 56 * kMiB);
    desk.pass(10s);
    CHECK(desk.loaned("g") == 56 * kMiB);
    REQUIRE(desk.sink.events.size() == 1);
    CHECK(desk.sink.events[0].bytes == 8 * kMiB);
    CHECK(desk.sink.events[0].at == Time{} + 2s);
}

TEST_CASE("a guest that stands still takes nothing back, and does once it runs") {
    const auto [action, is_paused] = GENERATE(table<ScenarioAction, bool>(
        {{ScenarioAction::pause, true}, {ScenarioAction::driver_gone, false}}));
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, action, "g", 0, 4s),
                       event(2s, ScenarioAction::used, "g", 900 * kMiB),
                       event(3s, ScenarioAction::oom, "g")};
    Desk desk(scenario);
    desk.backend->set_guest_tunables(key_from_name("g"), {.oom_release_bytes = kMiB});
    desk.lend("g", 512 * kMiB);
    desk.pass(4s);
    CHECK(has(desk.flags("g"), DomainFlags::paused) == is_paused);
    CHECK(desk.loaned("g") == 512 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 124 * kMiB);
}

TEST_CASE("the host has what its pool says, or what the guests are entitled to") {
    Scenario scenario = scenario_of({guest("a"), guest("b")});
    scenario.pool.memory_bytes = 3 * kGiB;
    Desk roomy(scenario);
    CHECK(roomy.seen.host.total_bytes == 3 * kGiB);
    CHECK(roomy.seen.host.available_bytes == kGiB);
    scenario.pool.memory_bytes = kGiB;
    Desk tight(scenario);
    CHECK(tight.seen.host.available_bytes == 0);
}

TEST_CASE("an OOM takes back whole pages, and no less than the guest's driver is set to free") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::used, "g", kGiB - 256 * kMiB + 1),
                       event(2s, ScenarioAction::used, "g", kGiB - 256 * kMiB + 64 * kKiB + 1)};
    Desk desk(scenario);
    desk.lend("g", 256 * kMiB);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 256 * kMiB - 64 * kKiB);
    desk.backend->set_guest_tunables(key_from_name("g"), {.oom_release_bytes = 16 * kMiB});
    desk.pass(1s);
    CHECK(desk.loaned("g") == 240 * kMiB - 64 * kKiB);
}
