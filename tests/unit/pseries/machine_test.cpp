#include "pseries_fixture.h"

#include <algorithm>

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

std::size_t count(const Running& run, EventKind kind) {
    return static_cast<std::size_t>(
        std::count_if(run.events.begin(), run.events.end(),
                      [kind](const Event& told) { return told.kind == kind; }));
}

}  // namespace

TEST_CASE("what a guest lends leaves its managed pages and its total stays") {
    const std::uint32_t page = GENERATE(4096U, 65536U);
    Running run(one_partition(page));
    const std::uint64_t free_before = run.seen.domains.unused_bytes[0];
    REQUIRE(run.lend(0, 64 * kMiB).status == StepStatus::done);
    CHECK(run.loaned() == 64 * kMiB);
    CHECK(run.seen.domains.total_bytes[0] == 256 * kMiB);
    CHECK(run.seen.domains.unused_bytes[0] == free_before - 64 * kMiB);
    CHECK(run.seen.host.available_bytes == 64 * kMiB);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("a guest without free pages lends what it has, down to its reserve") {
    Scenario scenario = one_partition();
    scenario.domains[0].used.points = {{0s, 200 * kMiB}};
    Running run(scenario);
    const StepOutcome outcome = run.lend(0, 100 * kMiB);
    CHECK(outcome.status == StepStatus::partial);
    CHECK(outcome.loaned_bytes == 52 * kMiB);
    CHECK(outcome.detail == "the guest has no free page to lend");
}

TEST_CASE("programs that need more than there is make the notifier free oom_kb at a time") {
    Scenario scenario = one_partition();
    scenario.events.push_back(event(10s, ScenarioAction::used, 200 * kMiB));
    Running run(scenario);
    run.machine->set_oom_release(key_from_name("p1"), kMiB);
    REQUIRE(run.lend(0, 100 * kMiB).status == StepStatus::done);
    run.observe(10s);
    REQUIRE(count(run, EventKind::oom) == 1);
    CHECK(run.events.back().bytes == 48 * kMiB);
    CHECK(run.events.back().loaned_bytes == 52 * kMiB);
    CHECK(run.loaned() == 52 * kMiB);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("an OOM with less lent than oom_kb frees what there is and goes on") {
    Scenario scenario = one_partition();
    scenario.events.push_back(event(10s, ScenarioAction::oom));
    Running run(scenario);
    run.machine->set_oom_release(key_from_name("p1"), kMiB);
    REQUIRE(run.lend(0, 192 * kKiB).status == StepStatus::done);
    run.observe(10s);
    CHECK(run.events.back().bytes == 192 * kKiB);
    CHECK(run.loaned() == 0);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("an inflation is refused while memory is being removed, giving back is not") {
    Scenario scenario = one_partition();
    scenario.events.push_back(event(10s, ScenarioAction::hotplug_remove, 16 * kMiB, 5s));
    Running run(scenario);
    REQUIRE(run.lend(0, 32 * kMiB).status == StepStatus::done);
    run.observe(10s);
    const StepOutcome outcome = run.lend(0, 64 * kMiB);
    CHECK(outcome.status == StepStatus::refused);
    CHECK(outcome.constraint == Constraint::hotplug);
    CHECK(run.lend(0, 16 * kMiB).status == StepStatus::done);
}

TEST_CASE("a removal that begins in the middle of an inflation stops it there") {
    Scenario scenario = one_partition();
    scenario.faults.push_back(fault("hotplug_trylock", "fail", 100, 1));
    Running run(scenario);
    const StepOutcome outcome = run.lend(0, 64 * kMiB);
    CHECK(outcome.status == StepStatus::partial);
    CHECK(outcome.constraint == Constraint::hotplug);
    CHECK(outcome.loaned_bytes == 100 * 64 * kKiB);
}

TEST_CASE("offlining a block moves the lent pages in it; total shrinks, the loan does not") {
    Scenario scenario = one_partition();
    scenario.events.push_back(event(10s, ScenarioAction::hotplug_remove, 32 * kMiB, 5s));
    Running run(scenario);
    REQUIRE(run.lend(0, 128 * kMiB).status == StepStatus::done);
    run.observe(20s);
    CHECK(count(run, EventKind::hotplug_began) == 1);
    CHECK(count(run, EventKind::hotplug_ended) == 1);
    CHECK(run.seen.domains.total_bytes[0] == 224 * kMiB);
    CHECK(run.loaned() == 128 * kMiB);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("offlining is given up where the hypervisor refuses the loan of the new pages") {
    Scenario scenario = one_partition();
    scenario.events.push_back(event(10s, ScenarioAction::hotplug_remove, 256 * kMiB, 5s));
    ScenarioFault refusal = fault("H_PAGE_INIT_LOANED", "H_HARDWARE");
    refusal.from = 10s;
    scenario.faults.push_back(refusal);
    scenario.domains[0].used.points = {{0s, 100 * kMiB}};
    Running run(scenario);
    REQUIRE(run.lend(0, 140 * kMiB).status == StepStatus::done);
    run.observe(20s);
    CHECK(run.loaned() == 140 * kMiB);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("compaction moves lent pages without changing how much is lent") {
    Scenario scenario = one_partition();
    scenario.events.push_back(event(10s, ScenarioAction::migrate_pages, 8 * kMiB));
    Running run(scenario);
    REQUIRE(run.lend(0, 32 * kMiB).status == StepStatus::done);
    run.observe(10s);
    CHECK(run.events.back().kind == EventKind::page_migrated);
    CHECK(run.events.back().bytes == 8 * kMiB);
    CHECK(run.loaned() == 32 * kMiB);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("a refused H_GET_MPP marks its partition unanswered and no other") {
    Scenario scenario = one_partition();
    scenario.domains.push_back(partition("p2", 256 * kMiB));
    scenario.faults.push_back(fault("H_GET_MPP", "H_HARDWARE"));
    scenario.faults.back().domain = "p2";
    Running run(scenario);
    CHECK_FALSE(has(run.seen.domains.flags[0], DomainFlags::unanswered));
    CHECK(has(run.seen.domains.flags[1], DomainFlags::unanswered));
}

TEST_CASE("partitions under one short pool lend to the one that needs it") {
    Scenario scenario;
    scenario.pool.memory_bytes = 768 * kMiB;
    for (const char* name : {"a", "b", "c", "d"}) {
        scenario.domains.push_back(partition(name, 256 * kMiB));
        scenario.domains.back().entitled_bytes = 128 * kMiB;
        scenario.domains.back().used.points = {{0s, 100 * kMiB}};
    }
    scenario.events.push_back(event(10s, ScenarioAction::used, 240 * kMiB));
    scenario.events.back().domain = "a";
    Running run(scenario);
    const auto request = [&](std::size_t row) { return run.seen.domains.loan_request_bytes[row]; };
    const std::int64_t before = request(0);
    run.observe(10s);
    CHECK(request(0) < before);
    std::int64_t asked = 0;
    for (std::size_t row = 0; row < 4; ++row) asked += request(row);
    CHECK(asked >= static_cast<std::int64_t>(256 * kMiB));  // what the pool lacks
    CHECK(run.machine->audit() == "");
}

TEST_CASE("a partition that stops gives its memory to the pool and comes back with nothing lent") {
    Scenario scenario = one_partition();
    scenario.domains.push_back(partition("p2", 128 * kMiB));
    scenario.events.push_back(event(10s, ScenarioAction::domain_stop));
    scenario.events.back().domain = "p1";
    scenario.events.push_back(event(20s, ScenarioAction::domain_start));
    scenario.events.back().domain = "p1";
    Running run(scenario);
    REQUIRE(run.lend(0, 64 * kMiB).status == StepStatus::done);
    run.observe(10s);
    REQUIRE(run.seen.domains.size() == 1);
    CHECK(run.seen.host.available_bytes == 256 * kMiB);
    CHECK(run.machine->apply({0, key_from_name("p1"), 0, kMiB}).status == StepStatus::gone);
    run.observe(20s);
    REQUIRE(run.seen.domains.size() == 2);
    CHECK(run.loaned(0) == 0);
    CHECK(run.machine->audit() == "");
}
