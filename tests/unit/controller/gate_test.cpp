#include <catch2/catch.hpp>

#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

Settings kernel_settings(std::uint64_t loan_target_kb) {
    Settings settings = fixed_settings(loan_target_kb);
    settings.cmm.profile = Profile::kernel;
    settings.cmm.safeguards = {
        .oom_credit = true, .credit_after_clamp = false, .always_give_back = false};
    return settings;
}

}  // namespace

TEST_CASE("nothing is inflated while a hotplug runs and for hotplug_delay and one delay after it") {
    Bench bench(kernel_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.send(EventKind::hotplug_began, "g1");
    REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "2048"));
    CHECK(bench.tick()->decisions[0].constraint == Constraint::hotplug);
    bench.send(EventKind::hotplug_ended, "g1");
    // Noticed at the next tick; then 5 s of hotplug_delay and one delay of 1 s.
    for (int i = 0; i < 6; ++i) {
        CHECK(bench.tick()->decisions[0].constraint == Constraint::hotplug);
        CHECK(bench.backend.table.loaned_bytes[0] == kMiB);
    }
    CHECK(bench.tick()->decisions[0].constraint == Constraint::none);
    CHECK(bench.backend.table.loaned_bytes[0] == 2 * kMiB);
}

TEST_CASE("a hotplug_delay of 0 still skips one cycle") {
    Settings settings = kernel_settings(1024);
    settings.cmm.hotplug_delay = 0s;
    Bench bench(settings);
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.send(EventKind::hotplug_began, "g1");
    bench.send(EventKind::hotplug_ended, "g1");
    CHECK(bench.tick()->decisions[0].constraint == Constraint::hotplug);
    CHECK(bench.tick()->decisions[0].constraint == Constraint::none);
}

TEST_CASE("a second removal during the suspension starts another after it") {
    Bench bench(kernel_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.send(EventKind::hotplug_began, "g1");
    bench.send(EventKind::hotplug_ended, "g1");
    bench.tick();
    bench.send(EventKind::hotplug_began, "g1");
    bench.send(EventKind::hotplug_cancelled, "g1");
    int held = 1;
    while (bench.tick()->decisions[0].constraint == Constraint::hotplug) ++held;
    CHECK(held == 12);
}

TEST_CASE("giving back during a hotplug suspension: the driver does not, we do") {
    const bool safe = GENERATE(true, false);
    Settings settings = kernel_settings(200 * 1024);
    settings.cmm.safeguards.always_give_back = safe;
    Bench bench(settings);
    bench.backend.add("g1", 512 * kMiB);
    bench.tick();
    bench.send(EventKind::hotplug_began, "g1");
    bench.backend.table.total_bytes[0] = 400 * kMiB;  // the removal shrank it below min_mem
    bench.tick();
    const std::uint64_t kept = 400 * kMiB - bench.backend.table.loaned_bytes[0];
    // The harm without the safeguard: the guest sits below its minimum of 256 MiB.
    CHECK(kept == (safe ? 256 * kMiB : 200 * kMiB));
}

TEST_CASE("a paused or migrating domain is left alone entirely") {
    const auto [began, ended, constraint] = GENERATE(table<EventKind, EventKind, Constraint>(
        {{EventKind::domain_paused, EventKind::domain_resumed, Constraint::paused},
         {EventKind::migration_began, EventKind::migration_ended, Constraint::migrating}}));
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.send(began, "g1");
    REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "0"));
    CHECK(bench.tick()->decisions[0].constraint == constraint);
    CHECK(bench.backend.table.loaned_bytes[0] == kMiB);
    bench.send(ended, "g1");
    bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == 0);
}

TEST_CASE("stale statistics and pinned memory stop inflation, not giving back") {
    const auto [flag, constraint] = GENERATE(
        table<DomainFlags, Constraint>({{DomainFlags::stale_stats, Constraint::stale_stats},
                                        {DomainFlags::pinned_memory, Constraint::pinned_memory}}));
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.backend.table.flags[0] = flag;
    REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "2048"));
    CHECK(bench.tick()->decisions[0].constraint == constraint);
    CHECK(bench.backend.table.loaned_bytes[0] == kMiB);
    REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "512"));
    bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == 512 * kKiB);
}

TEST_CASE("a domain without a balloon driver is named, not asked") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::no_driver;
    CHECK(bench.tick()->decisions[0].constraint == Constraint::no_driver);
    CHECK(bench.backend.steps.empty());
}
