// What the guests' drivers do without the hypervisor (cmm.simulate), and OOMs in the middle of a
// move.
#include "pseries_fixture.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

Scenario without_hypervisor() {
    Scenario scenario = one_partition();
    scenario.hypervisor_calls = false;
    return scenario;
}

std::uint64_t freed_by_ooms(const Running& run) {
    std::uint64_t bytes = 0;
    for (const Event& event : run.events)
        if (event.kind == EventKind::oom) bytes += event.bytes;
    return bytes;
}

}  // namespace

TEST_CASE("without the hypervisor no fault of its calls is met, with it each is") {
    const bool calls = GENERATE(false, true);
    Scenario scenario = without_hypervisor();
    scenario.hypervisor_calls = calls;
    scenario.faults = {fault("H_GET_MPP", "H_HARDWARE"), fault("H_PAGE_INIT", "H_PARAMETER")};
    Running run(scenario);
    CHECK(has(run.seen.domains.flags[0], DomainFlags::unanswered) == calls);
    CHECK((run.lend(0, 64 * kMiB).status == StepStatus::done) == !calls);
    CHECK(run.loaned() == (calls ? 0 : 64 * kMiB));
    CHECK(run.machine->audit() == "");
}

TEST_CASE("without the hypervisor the guest lends, and nobody gets it") {
    Running run(without_hypervisor());
    const std::uint64_t free_before = run.seen.host.available_bytes;
    REQUIRE(run.lend(0, 64 * kMiB).status == StepStatus::done);
    CHECK(run.seen.domains.total_bytes[0] == 256 * kMiB);
    CHECK(run.machine->hypervisor().loaned_bytes(0) == 0);
    CHECK(run.seen.host.available_bytes == free_before);
    CHECK(run.seen.domains.loan_request_bytes[0] == 0);
    CHECK(run.machine->audit() == "");
    REQUIRE(run.lend(0, 0).status == StepStatus::done);
    CHECK(run.loaned() == 0);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("without the hypervisor blocks with lent pages leave, and lent pages move") {
    Scenario scenario = without_hypervisor();
    scenario.events.push_back(event(10s, ScenarioAction::hotplug_remove, 32 * kMiB, 1s));
    scenario.events.push_back(event(20s, ScenarioAction::migrate_pages, 8 * kMiB));
    scenario.events.push_back(event(30s, ScenarioAction::domain_stop));
    Running run(scenario);
    REQUIRE(run.lend(0, 100 * kMiB).status == StepStatus::done);
    run.observe(15s);
    CHECK(run.seen.domains.total_bytes[0] == 224 * kMiB);
    CHECK(run.loaned() == 100 * kMiB);
    CHECK(run.machine->audit() == "");
    run.observe(25s);
    CHECK(run.events.back().kind == EventKind::page_migrated);
    CHECK(run.events.back().bytes == 8 * kMiB);
    CHECK(run.machine->audit() == "");
    run.observe(35s);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("an OOM in the middle of a move comes on top of it, at its page") {
    // Pages of 64 KiB; the OOM takes 1 MiB = 16 pages back.
    const bool lends = GENERATE(true, false);
    const auto at = GENERATE(as<std::uint64_t>{}, 0, 1, 100, 319);
    CAPTURE(lends, at);
    Scenario scenario = one_partition();
    scenario.faults.push_back(fault(lends ? "guest_alloc" : "guest_free", "oom", at, 1));
    Running run(scenario);
    run.machine->set_oom_release(run.seen.domains.key[0], kMiB);
    if (lends) {
        // What is lent by the first page is all that an OOM can take back.
        const StepOutcome outcome = run.lend(0, 20 * kMiB);
        const std::uint64_t freed = std::min<std::uint64_t>(at * 64 * kKiB, kMiB);
        CHECK(outcome.status == StepStatus::done);
        CHECK(freed_by_ooms(run) == freed);
        CHECK(outcome.loaned_bytes == 20 * kMiB - freed);
    } else {
        REQUIRE(run.lend(0, 40 * kMiB).status == StepStatus::done);
        const StepOutcome outcome = run.lend(0, 20 * kMiB);
        CHECK(outcome.status == StepStatus::done);
        CHECK(freed_by_ooms(run) == kMiB);
        CHECK(outcome.loaned_bytes == 19 * kMiB);
    }
    const Event& oom = run.events.back();
    CHECK(oom.kind == EventKind::oom);
    const std::uint64_t moved = at * 64 * kKiB;
    CHECK(oom.loaned_bytes == (lends ? moved : 40 * kMiB - moved) - oom.bytes);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("an OOM that takes the last page ends a give-back") {
    Scenario scenario = one_partition();
    scenario.faults.push_back(fault("guest_free", "oom", 8, 1));
    Running run(scenario);
    run.machine->set_oom_release(run.seen.domains.key[0], 256 * kMiB);
    REQUIRE(run.lend(0, kMiB).status == StepStatus::done);
    CHECK(run.lend(0, 0).status == StepStatus::done);
    CHECK(run.loaned() == 0);
    CHECK(freed_by_ooms(run) == 512 * kKiB);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("pages that are isolated cannot be given back, and are later") {
    Scenario scenario = one_partition();
    scenario.faults.push_back(fault("guest_free", "fail", 8, 1));
    Running run(scenario);
    REQUIRE(run.lend(0, 2 * kMiB).status == StepStatus::done);
    const StepOutcome outcome = run.lend(0, kMiB);
    CHECK(outcome.status == StepStatus::partial);
    CHECK(outcome.detail.find("isolated") != std::string::npos);
    CHECK(run.loaned() == 2 * kMiB - 8 * 64 * kKiB);
    CHECK(run.lend(0, kMiB).status == StepStatus::done);
    CHECK(run.loaned() == kMiB);
    CHECK(run.machine->audit() == "");
}

TEST_CASE("a guest that runs out of memory at every page lends nothing, and the move ends") {
    const std::uint64_t release = GENERATE(std::uint64_t{0}, 64 * kKiB, kMiB);
    Scenario scenario = one_partition();
    scenario.faults.push_back(fault("guest_alloc", "oom"));
    scenario.faults.push_back(fault("guest_free", "oom"));
    Running run(scenario);
    run.machine->set_oom_release(run.seen.domains.key[0], release);
    CHECK(run.lend(0, 20 * kMiB).status == StepStatus::refused);
    CHECK(run.loaned() == 0);
    CHECK(run.events.size() <= 1024);
    CHECK(run.machine->audit() == "");
}
