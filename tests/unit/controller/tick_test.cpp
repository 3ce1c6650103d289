#include <catch2/catch.hpp>

#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("a tick inflates to what policy fixed asks for") {
    Bench bench(fixed_settings(256 * 1024));
    bench.backend.add("g1", kGiB);
    const auto seen = bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == 256 * kMiB);
    CHECK(seen->decisions[0].loaned_after_bytes == 256 * kMiB);
    CHECK(seen->decisions[0].loan_target_bytes == 256 * kMiB);
    CHECK(seen->decisions[0].constraint == Constraint::none);
    CHECK(seen->decisions[0].inflated_total_bytes == 256 * kMiB);
}

TEST_CASE("a tick follows the hypervisor's own request under policy cmm") {
    Bench bench;
    bench.backend.add("p1", kGiB);
    bench.backend.table.loan_request_bytes[0] = static_cast<std::int64_t>(64 * kMiB);
    bench.tick();
    bench.backend.table.loan_request_bytes[0] = -static_cast<std::int64_t>(16 * kMiB);
    const auto seen = bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == 48 * kMiB);
    CHECK(seen->decisions[0].deflated_total_bytes == 16 * kMiB);
}

TEST_CASE("a loan past min_mem_mb stops exactly there and says so") {
    Settings settings = fixed_settings(1024 * 1024);
    settings.cmm.min_mem_mb = 300;
    Bench bench(settings);
    bench.backend.add("g1", kGiB);
    const auto seen = bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == kGiB - 300 * kMiB);
    CHECK(seen->decisions[0].constraint == Constraint::min_mem);
}

TEST_CASE("large moves are cut into the steps that the backend asks for") {
    Bench bench(fixed_settings(100));
    bench.backend.capabilities_.max_step_bytes = 32 * kKiB;
    bench.backend.add("g1", kGiB);
    bench.tick();
    REQUIRE(bench.backend.steps.size() == 4);
    CHECK(bench.backend.steps.back().loaned_from_bytes == 96 * kKiB);
    CHECK(bench.backend.steps.back().loaned_to_bytes == 100 * kKiB);
}

TEST_CASE("an inflation stops at its first failure and the target falls back to what was loaned") {
    Bench bench(fixed_settings(100));
    bench.backend.capabilities_.max_step_bytes = 32 * kKiB;
    bench.backend.add("g1", kGiB);
    bench.backend.answer = [](const Step& step) -> StepOutcome {
        if (step.loaned_from_bytes == 0) return {StepStatus::done, step.loaned_to_bytes, {}, {}};
        return {StepStatus::partial, step.loaned_from_bytes + 8 * kKiB, Constraint::backend_error,
                "no free page"};
    };
    const auto seen = bench.tick();
    CHECK(bench.backend.steps.size() == 2);
    const Decision& decision = seen->decisions[0];
    CHECK(decision.decided_bytes == 100 * kKiB);
    CHECK(decision.loaned_after_bytes == 40 * kKiB);
    CHECK(decision.loan_target_bytes == 0);
    CHECK(decision.constraint == Constraint::backend_error);
    REQUIRE(seen->troubles.size() == 1);
    CHECK(seen->troubles[0].detail == "no free page");
    CHECK(explain(*seen, 0).find("no free page") != std::string::npos);
}

TEST_CASE("one tick inflates a domain by no more than max_step") {
    Settings settings = fixed_settings(100 * 1024);
    settings.cmm.max_step_bytes = 40 * kMiB;
    Bench bench(settings);
    bench.backend.add("g1", kGiB);
    CHECK(bench.tick()->decisions[0].constraint == Constraint::rate_limit);
    CHECK(bench.backend.table.loaned_bytes[0] == 40 * kMiB);
    bench.tick();
    CHECK(bench.tick()->decisions[0].constraint == Constraint::none);
    CHECK(bench.backend.table.loaned_bytes[0] == 100 * kMiB);
}

TEST_CASE("a domain's balloon is left as it was found until somebody asks") {
    Settings settings;
    settings.policy.name = "fixed";
    Bench bench(settings);
    bench.backend.add("g1", kGiB, 100 * kMiB);
    bench.tick();
    bench.tick();
    CHECK(bench.backend.steps.empty());
}

TEST_CASE("a dry run decides and publishes, and moves nothing") {
    Bench bench(fixed_settings(1024));
    bench.dry_run = true;
    bench.backend.add("g1", kGiB);
    const auto seen = bench.tick();
    CHECK(seen->decisions[0].decided_bytes == kMiB);
    CHECK(seen->decisions[0].loaned_after_bytes == 0);
    CHECK(bench.backend.steps.empty());
    CHECK(bench.controller().give_everything_back());
}

TEST_CASE("a hypervisor that does not answer is shown, and nothing moves") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.backend.observe_error = "connection lost";
    bench.backend.steps.clear();
    const auto seen = bench.tick();
    CHECK_FALSE(seen->backend_up);
    CHECK(seen->backend_error == "connection lost");
    CHECK(seen->decisions[0].constraint == Constraint::backend_error);
    CHECK(seen->decisions[0].loan_target_bytes == kMiB);
    CHECK(seen->tick.observe_failures == 1);
    CHECK(bench.backend.steps.empty());
    bench.backend.observe_error.clear();
    CHECK(bench.tick()->backend_up);
}

TEST_CASE("books move with their domain when rows change") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("a", kGiB);
    bench.backend.add("b", kGiB);
    bench.backend.add("c", kGiB);
    bench.tick();
    bench.send(EventKind::oom, "c", 64 * kKiB, kMiB - 64 * kKiB);
    bench.backend.table.loaned_bytes[2] = kMiB - 64 * kKiB;
    bench.backend.table.remove_row(0);  // c takes a's row
    ++bench.backend.table.membership;
    const auto seen = bench.tick();
    REQUIRE(seen->decisions.size() == 2);
    CHECK(seen->names->name[0] == "c");
    CHECK(seen->decisions[0].oom_freed_bytes == 64 * kKiB);
    CHECK(seen->decisions[1].oom_freed_bytes == 0);
}

TEST_CASE("a domain that went and came back starts with clean books") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("a", kGiB);
    bench.tick();
    bench.send(EventKind::oom, "a", 64 * kKiB, kMiB - 64 * kKiB);
    bench.backend.table.remove_row(0);
    ++bench.backend.table.membership;
    bench.tick();
    bench.backend.add("a", kGiB);
    CHECK(bench.tick()->decisions[0].oom_freed_bytes == 0);
}

TEST_CASE("the steady state moves nothing and asks the hypervisor once a tick") {
    Bench bench(fixed_settings(1024));
    for (int i = 0; i < 100; ++i) bench.backend.add("g" + std::to_string(i), kGiB);
    bench.tick();
    bench.backend.steps.clear();
    const auto before = bench.controller().snapshots().latest()->calls.observe_ok;
    for (int i = 0; i < 10; ++i) bench.tick();
    CHECK(bench.backend.steps.empty());
    CHECK(bench.controller().snapshots().latest()->calls.observe_ok == before + 10);
}

TEST_CASE("what was moved by domains that are gone is not forgotten, and counted once") {
    Bench bench(fixed_settings(100));
    bench.backend.add("stays", kGiB);
    bench.backend.add("goes", kGiB);
    CHECK(bench.tick()->gone_inflated_bytes == 0);

    bench.backend.table = {};
    bench.backend.add("comes", kGiB);
    bench.backend.add("stays", kGiB, 100 * kKiB);
    bench.backend.table.membership = 7;
    const auto seen = bench.tick();
    CHECK(seen->gone_inflated_bytes == 100 * kKiB);
    CHECK(seen->decisions[0].inflated_total_bytes == 100 * kKiB);  // comes
    CHECK(seen->decisions[1].inflated_total_bytes == 100 * kKiB);  // stays, in another row
    CHECK(bench.tick()->gone_inflated_bytes == 100 * kKiB);
}
