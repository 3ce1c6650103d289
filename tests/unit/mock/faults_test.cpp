#include "tests/unit/mock/mock_fixture.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

TEST_CASE("a scripted answer to a step moves what it says, once") {
    const auto [answer, status, loaned] = GENERATE(table<std::string, StepStatus, std::uint64_t>(
        {{"refuse", StepStatus::refused, 0},
         {"error", StepStatus::failed, 0},
         {"gone", StepStatus::gone, 0},
         {"partial", StepStatus::partial, 128 * kMiB}}));
    Scenario scenario = scenario_of({guest("g")});
    scenario.faults = {fault("apply", answer)};
    Desk desk(scenario);
    const StepOutcome outcome = desk.lend("g", 256 * kMiB);
    CHECK(outcome.status == status);
    CHECK(outcome.loaned_bytes == loaned);
    CHECK(outcome.constraint == Constraint::backend_error);
    CHECK_FALSE(outcome.detail.empty());
    desk.look();
    CHECK(desk.loaned("g") == loaned);
    CHECK(desk.lend("g", 256 * kMiB).status == StepStatus::done);
}

TEST_CASE("a delayed step is accepted and happens after the delay") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.faults = {fault("apply", "", 5s)};
    Desk desk(scenario);
    CHECK(desk.lend("g", 64 * kMiB).status == StepStatus::accepted);
    desk.pass(4s);
    CHECK(desk.loaned("g") == 0);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 64 * kMiB);
}

TEST_CASE("an observation that fails leaves the last one as it was") {
    const auto [answer, code] = GENERATE(
        table<std::string, Errc>({{"error", Errc::unavailable}, {"timeout", Errc::timed_out}}));
    Scenario scenario = scenario_of({guest("g")});
    scenario.faults = {fault("observe", answer)};
    scenario.faults[0].skip = 1;
    Desk desk(scenario);
    desk.lend("g", kMiB);
    const Result<void> failed = desk.backend->observe(desk.seen);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == code);
    CHECK(desk.loaned("g") == 0);
    desk.look();
    CHECK(desk.loaned("g") == kMiB);
}

TEST_CASE("a step that is cut short late heads for the middle, after the delay") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.faults = {fault("apply", "partial", 5s)};
    Desk desk(scenario);
    CHECK(desk.lend("g", 64 * kMiB).status == StepStatus::accepted);
    desk.pass(4s);
    CHECK(desk.loaned("g") == 0);
    desk.pass(1s);
    CHECK(desk.loaned("g") == 32 * kMiB);
    desk.pass(1h);
    CHECK(desk.loaned("g") == 32 * kMiB);
}

TEST_CASE("a step back that is cut short stops in the middle too, at a whole page") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.faults = {fault("apply", "partial")};
    scenario.faults[0].skip = 1;
    Desk desk(scenario);
    desk.lend("g", 7 * 64 * kKiB);
    desk.look();
    CHECK(desk.lend("g", 0).loaned_bytes == 3 * 64 * kKiB);
}

TEST_CASE("a domain that an observation misses is marked, and no other") {
    Scenario scenario = scenario_of({guest("a"), guest("b")});
    scenario.events = {event(0s, ScenarioAction::loan_request, "", 64 * kMiB)};
    scenario.faults = {fault("observe_domain", "missing")};
    scenario.faults[0].domain = "b";
    Desk desk(scenario);
    CHECK(desk.flags("b") == (DomainFlags::unanswered | DomainFlags::deflate_on_oom));
    CHECK(desk.seen.domains.unused_bytes[1] == kUnknownBytes);
    CHECK(desk.seen.domains.loan_request_bytes[1] == 0);
    CHECK(desk.seen.domains.total_bytes[1] == kGiB);
    CHECK(desk.flags("a") == DomainFlags::deflate_on_oom);
    CHECK(desk.seen.domains.loan_request_bytes[0] == 64 * static_cast<std::int64_t>(kMiB));
    desk.look();
    CHECK(desk.flags("b") == DomainFlags::deflate_on_oom);
    CHECK(desk.seen.domains.unused_bytes[1] == kGiB - 200 * kMiB);
    CHECK(desk.seen.domains.loan_request_bytes[1] == 64 * static_cast<std::int64_t>(kMiB));
}

TEST_CASE("a fault is for the domains and the time that it names") {
    Scenario scenario = scenario_of({guest("a"), guest("b")});
    scenario.faults = {fault("apply", "refuse")};
    scenario.faults[0].domain = "b";
    scenario.faults[0].times.reset();
    scenario.faults[0].from = 1s;
    scenario.faults[0].until = 3s;
    Desk desk(scenario);
    CHECK(desk.lend("b", kMiB).status == StepStatus::done);
    desk.pass(2s);
    CHECK(desk.lend("a", kMiB).status == StepStatus::done);
    CHECK(desk.lend("b", 2 * kMiB).status == StepStatus::refused);
    desk.pass(1s);
    CHECK(desk.lend("b", 2 * kMiB).status == StepStatus::done);
}

TEST_CASE("a step that is done at once takes the place of a delayed one") {
    Scenario scenario = scenario_of({guest("g")});
    scenario.faults = {fault("apply", "", 5s)};
    Desk desk(scenario);
    desk.lend("g", 64 * kMiB);
    CHECK(desk.lend("g", 32 * kMiB).status == StepStatus::done);
    desk.pass(1min);
    CHECK(desk.loaned("g") == 32 * kMiB);
}
