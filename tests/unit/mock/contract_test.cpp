#include "tests/unit/mock/mock_fixture.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

TEST_CASE("steps for rows and domains that are not there move nothing") {
    Desk desk(scenario_of({guest("g")}));
    CHECK(desk.backend->apply({7, key_from_name("g"), 0, kMiB}).status == StepStatus::gone);
    CHECK(desk.backend->apply({0, key_from_name("x"), 0, kMiB}).status == StepStatus::gone);
    CHECK(desk.backend->apply({SIZE_MAX, key_from_name("g"), 0, kMiB}).status == StepStatus::gone);
    desk.look();
    CHECK(desk.loaned("g") == 0);
}

TEST_CASE("a step for more than there is comes as far as it can, and says so") {
    Desk desk(scenario_of({guest("g")}));
    const std::uint64_t absurd = GENERATE(kGiB + 64 * kKiB, UINT64_MAX);
    const StepOutcome outcome = desk.lend("g", absurd);
    CHECK(outcome.status == StepStatus::partial);
    CHECK(outcome.loaned_bytes == kGiB);
    CHECK_FALSE(outcome.detail.empty());
}

TEST_CASE("the same script and seed give the same figures") {
    ScenarioDomain noisy = guest("n");
    noisy.count = 3;
    noisy.used = Curve{{{0s, 100 * kMiB}, {60s, 400 * kMiB}}, 60s, 20};
    const Scenario scenario = scenario_of({noisy});
    Desk one(scenario);
    Desk two(scenario);
    Scenario other_seed = scenario;
    other_seed.seed = 2;
    Desk three(other_seed);
    bool differs = false;
    for (int i = 0; i < 100; ++i) {
        one.pass(1s);
        two.pass(1s);
        three.pass(1s);
        REQUIRE(one.seen.domains.unused_bytes == two.seen.domains.unused_bytes);
        differs |= one.seen.domains.unused_bytes != three.seen.domains.unused_bytes;
    }
    CHECK(differs);
    CHECK(one.seen.domains.unused_bytes[0] != one.seen.domains.unused_bytes[1]);
}

TEST_CASE("the next event's time is known until the last has happened") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(3s, ScenarioAction::pause, "g", 0, 4s)};
    Desk desk(scenario);
    const Time start = desk.clock.now();
    CHECK(desk.backend->next_event_at() == start + 3s);
    desk.pass(3s);
    CHECK(desk.backend->next_event_at() == start + 7s);
    desk.pass(4s);
    CHECK_FALSE(desk.backend->next_event_at());
}

TEST_CASE("no event comes after stop") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.events = {event(1s, ScenarioAction::pause, "g")};
    Desk desk(scenario);
    desk.backend->stop();
    desk.backend->stop();
    desk.pass(1s);
    CHECK(desk.sink.events.empty());
}

TEST_CASE("rows move up when a domain goes, and each keeps its guest") {
    Scenario scenario = scenario_of({guest("a"), guest("b"), guest("c")});
    scenario.events = {event(1s, ScenarioAction::domain_stop, "a"),
                       event(2s, ScenarioAction::used, "c", 500 * kMiB),
                       event(3s, ScenarioAction::domain_stop, "b"),
                       event(3s, ScenarioAction::domain_start, "a")};
    Desk desk(scenario);
    desk.pass(2s);
    CHECK(desk.seen.domains.unused_bytes[desk.row("c")] == kGiB - 500 * kMiB);
    CHECK(desk.seen.domains.unused_bytes[desk.row("b")] == kGiB - 200 * kMiB);
    const std::uint64_t before = desk.seen.domains.membership;
    desk.pass(1s);  // as many as before, others
    CHECK(desk.seen.domains.membership == before + 2);
    CHECK(desk.seen.domains.unused_bytes[desk.row("c")] == kGiB - 500 * kMiB);
    CHECK(desk.seen.domains.unused_bytes[desk.row("a")] == kGiB - 200 * kMiB);
}

TEST_CASE("a guest has the page size that its script says") {
    ScenarioDomain small = guest("small");
    small.page_bytes = 4096;
    Desk desk(scenario_of({guest("large"), small}));
    CHECK(desk.seen.domains.page_shift == std::vector<std::uint8_t>{16, 12});
}
