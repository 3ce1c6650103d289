#include <algorithm>
#include <catch2/catch.hpp>

#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// An asynchronous hypervisor whose guests take memory back by themselves.
void make_asynchronous(Bench& bench) {
    bench.backend.capabilities_.asynchronous = true;
    bench.backend.capabilities_.reports_oom = false;
}

void guest_takes_back(Bench& bench, std::uint64_t loaned_bytes) {
    bench.backend.table.loaned_bytes[0] = loaned_bytes;
}

}  // namespace

TEST_CASE("an OOM event is credited and sets the target to what is still loaned") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.backend.table.loaned_bytes[0] = kMiB - 256 * kKiB;
    bench.send(EventKind::oom, "g1", 256 * kKiB, kMiB - 256 * kKiB);
    bench.controller().process_events();
    CHECK(*bench.controller().get_attribute("g1", "loaned_target_kb") == "768");
    CHECK(*bench.controller().get_attribute("g1", "oom_freed_kb") == "256");
    bench.backend.steps.clear();
    CHECK(bench.tick()->decisions[0].constraint == Constraint::oom_credit);
    CHECK(bench.backend.steps.empty());
}

TEST_CASE("a credit that is cleared lets the loan grow again") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.backend.table.loaned_bytes[0] = 0;
    bench.send(EventKind::oom, "g1", kMiB, 0);
    bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == 0);
    REQUIRE(bench.controller().set_attribute("g1", "oom_freed_kb", "0"));
    bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == kMiB);
}

TEST_CASE("without the credit the controller fights the guest for what it took back") {
    Settings settings = fixed_settings(1024);
    settings.cmm.safeguards.oom_credit = GENERATE(true, false);
    Bench bench(settings);
    bench.backend.add("g1", kGiB);
    bench.tick();
    int taken_again = 0;
    for (int i = 0; i < 5; ++i) {
        const std::uint64_t loaned = bench.backend.table.loaned_bytes[0];
        const std::uint64_t freed = std::min<std::uint64_t>(loaned, 64 * kKiB);
        bench.backend.table.loaned_bytes[0] = loaned - freed;
        bench.send(EventKind::oom, "g1", freed, loaned - freed);
        bench.tick();
        if (bench.backend.table.loaned_bytes[0] > loaned - freed) ++taken_again;
    }
    CHECK(taken_again == (settings.cmm.safeguards.oom_credit ? 0 : 5));
}

TEST_CASE("an asynchronous guest is asked once, not every tick") {
    Bench bench(fixed_settings(1024));
    make_asynchronous(bench);
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    for (int i = 0; i < 3; ++i) bench.tick();
    CHECK(bench.backend.steps.size() == 1);
}

TEST_CASE("a loan that shrinks below what was set is the guest's own OOM") {
    Bench bench(fixed_settings(384 * 1024));
    make_asynchronous(bench);
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    bench.tick();
    guest_takes_back(bench, 384 * kMiB);
    bench.tick();
    bench.backend.steps.clear();
    guest_takes_back(bench, 300 * kMiB);
    CHECK(bench.tick()->decisions[0].oom_freed_bytes == 84 * kMiB);
    guest_takes_back(bench, 250 * kMiB);
    CHECK(bench.tick()->decisions[0].oom_freed_bytes == 134 * kMiB);
    CHECK(bench.backend.steps.empty());

    SECTION("once the guest stands still, the hypervisor's set value follows") {
        bench.tick();
        bench.tick();
        REQUIRE(bench.backend.steps.size() == 1);
        CHECK(bench.backend.steps[0].loaned_to_bytes == 250 * kMiB);
    }
}

TEST_CASE("an OOM in the middle of an inflation is seen too") {
    Bench bench(fixed_settings(384 * 1024));
    make_asynchronous(bench);
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    bench.tick();
    guest_takes_back(bench, 200 * kMiB);  // on its way
    bench.tick();
    guest_takes_back(bench, 150 * kMiB);
    CHECK(bench.tick()->decisions[0].oom_freed_bytes == 50 * kMiB);
}

TEST_CASE("a deflation on its way is not taken for an OOM") {
    Bench bench(fixed_settings(384 * 1024));
    make_asynchronous(bench);
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    bench.tick();
    guest_takes_back(bench, 384 * kMiB);
    bench.tick();
    REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "0"));
    bench.tick();
    for (const std::uint64_t loaned : {200 * kMiB, 100 * kMiB, std::uint64_t{0}}) {
        guest_takes_back(bench, loaned);
        CHECK(bench.tick()->decisions[0].oom_freed_bytes == 0);
    }
}

TEST_CASE("a rebooted guest starts without credit, and its empty balloon is no OOM") {
    Bench bench(fixed_settings(384 * 1024));
    make_asynchronous(bench);
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    bench.tick();
    guest_takes_back(bench, 384 * kMiB);
    bench.tick();
    bench.send(EventKind::guest_rebooted, "g1");
    guest_takes_back(bench, 0);
    CHECK(bench.tick()->decisions[0].oom_freed_bytes == 0);
}
