#include "pseries_fixture.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("if the n-th set-loaned of a page fails, the page stays wholly with the guest") {
    const std::uint64_t n = GENERATE(range<std::uint64_t>(0, 16));
    CAPTURE(n);
    Scenario scenario = one_partition();
    scenario.faults.push_back(fault("H_PAGE_INIT_LOANED", "H_HARDWARE", n, 1));
    Running run(scenario);
    const StepOutcome outcome = run.lend(0, 64 * kKiB);
    CHECK(outcome.status == StepStatus::refused);
    CHECK(outcome.constraint == Constraint::backend_error);
    CHECK(outcome.detail == "set-loaned answered H_HARDWARE");
    CHECK(run.loaned() == 0);
    CHECK(run.machine->hypervisor().loaned_bytes(0) == 0);
    CHECK(run.machine->hypervisor().redundant_page_inits() == 0);  // no page but those before it
    CHECK(run.machine->audit() == "");
    CHECK(run.lend(0, 64 * kKiB).status == StepStatus::done);
}

TEST_CASE("if the n-th set-active of a page fails, the page stays wholly loaned") {
    const std::uint64_t n = GENERATE(range<std::uint64_t>(0, 16));
    CAPTURE(n);
    Scenario scenario = one_partition();
    scenario.faults.push_back(fault("H_PAGE_INIT_ACTIVE", "H_HARDWARE", n, 1));
    Running run(scenario);
    REQUIRE(run.lend(0, 128 * kKiB).status == StepStatus::done);
    const StepOutcome outcome = run.lend(0, 0);
    CHECK(outcome.status == StepStatus::refused);
    CHECK(run.loaned() == 128 * kKiB);
    CHECK(run.machine->hypervisor().loaned_bytes(0) == 128 * kKiB);
    CHECK(run.machine->hypervisor().redundant_page_inits() == 0);
    CHECK(run.machine->audit() == "");
    CHECK(run.lend(0, 0).status == StepStatus::done);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("if the way back fails too, the page goes through to the other end") {
    Scenario scenario = one_partition();
    scenario.faults.push_back(fault("H_PAGE_INIT_LOANED", "H_HARDWARE", 8, 1));
    scenario.faults.push_back(fault("H_PAGE_INIT_ACTIVE", "H_HARDWARE", 3, 1));
    Running run(scenario);
    CHECK(run.lend(0, 64 * kKiB).status == StepStatus::done);
    CHECK(run.machine->hypervisor().loaned_bytes(0) == 64 * kKiB);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("a page that can go neither way is kept by the driver and freed later") {
    Scenario scenario = one_partition();
    scenario.faults.push_back(fault("H_PAGE_INIT_LOANED", "H_HARDWARE", 8, 2));
    scenario.faults.push_back(fault("H_PAGE_INIT_ACTIVE", "H_HARDWARE", 3, 1));
    Running run(scenario);
    CHECK(run.lend(0, 64 * kKiB).status == StepStatus::refused);
    CHECK(run.loaned() == 0);
    CHECK(run.machine->audit() == "");
    CHECK(run.lend(0, 64 * kKiB).status == StepStatus::done);
    CHECK(run.machine->hypervisor().loaned_bytes(0) == 64 * kKiB);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("a busy hypervisor is asked again, within bounds") {
    const auto [answer, times, done] = GENERATE(table<std::string, std::uint64_t, bool>({
        {"H_BUSY", 10, true},
        {"H_BUSY", 100, false},
        {"H_LONG_BUSY_ORDER_10_MSEC", 3, true},
        {"H_LONG_BUSY_ORDER_100_SEC", 100, false},
    }));
    CAPTURE(answer, times);
    Scenario scenario = one_partition();
    scenario.faults.push_back(fault("H_PAGE_INIT_LOANED", answer, 0, times));
    Running run(scenario);
    CHECK((run.lend(0, 64 * kKiB).status == StepStatus::done) == done);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("each return code ends the move and is named") {
    const std::string answer = GENERATE(as<std::string>{}, "H_HARDWARE", "H_FUNCTION",
                                        "H_PARAMETER", "H_RESOURCE", "H_BUSY");
    Scenario scenario = one_partition();
    scenario.faults.push_back(fault("H_PAGE_INIT_LOANED", answer, 16 * 5));
    Running run(scenario);
    const StepOutcome outcome = run.lend(0, kMiB);
    CHECK(outcome.status == StepStatus::partial);
    CHECK(outcome.loaned_bytes == 5 * 64 * kKiB);
    CHECK(outcome.detail == "set-loaned answered " + answer);
}
