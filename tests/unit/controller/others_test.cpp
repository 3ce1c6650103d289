#include <catch2/catch.hpp>

#include "base/log.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// An asynchronous hypervisor with a domain that lends 100 MiB as it was told.
struct Lent {
    explicit Lent(SetByOthers rule) : bench(with(rule)) {
        bench.backend.capabilities_.asynchronous = true;
        bench.backend.capabilities_.reports_oom = false;
        bench.backend.add("g1", kGiB);
        bench.tick();
        balloon(100 * kMiB);
        bench.tick();
        bench.backend.steps.clear();
    }
    static Settings with(SetByOthers rule) {
        Settings settings = fixed_settings(100 * 1024);
        settings.guests.set_by_others = rule;
        return settings;
    }
    void balloon(std::uint64_t loaned_bytes) { bench.backend.table.loaned_bytes[0] = loaned_bytes; }

    log::Redirect quiet{[](log::Level, std::string_view) {}};
    Bench bench;
};

}  // namespace

TEST_CASE("override: a balloon that somebody else set is set again, each time") {
    Lent lent(SetByOthers::override);
    for (const std::uint64_t theirs : {300 * kMiB, 0 * kMiB, 50 * kMiB}) {
        lent.balloon(theirs);
        lent.bench.tick();
        REQUIRE(lent.bench.backend.steps.size() == 1);
        CHECK(lent.bench.backend.steps[0].loaned_to_bytes == 100 * kMiB);
        lent.balloon(100 * kMiB);
        lent.bench.tick();
        lent.bench.backend.steps.clear();
    }
}

TEST_CASE("adopt: a balloon that somebody else set stays, and is the size to go on from") {
    Lent lent(SetByOthers::adopt);
    for (const std::uint64_t theirs : {150 * kMiB, 200 * kMiB}) {  // on its way, and there
        lent.balloon(theirs);
        lent.bench.tick();
    }
    for (int i = 0; i < 5; ++i) CHECK(lent.bench.tick()->decisions[0].decided_bytes == 200 * kMiB);
    CHECK(lent.bench.backend.steps.empty());
    CHECK(lent.bench.controller().lent_bytes() == 0);  // nothing to give back when we stop

    SECTION("until the operator wants another loan") {
        REQUIRE(lent.bench.controller().set_attribute("g1", "simulate_loan_target_kb", "1024"));
        lent.bench.tick();
        REQUIRE(lent.bench.backend.steps.size() == 1);
        CHECK(lent.bench.backend.steps[0].loaned_to_bytes == kMiB);
    }
    SECTION("or the configuration is read again") {
        lent.bench.controller().reconfigure(lent.bench.settings);
        lent.bench.tick();
        REQUIRE(lent.bench.backend.steps.size() == 1);
        CHECK(lent.bench.backend.steps[0].loaned_to_bytes == 100 * kMiB);
    }
}

TEST_CASE("release: a domain whose balloon somebody else set is left alone until enabled again") {
    Lent lent(SetByOthers::release);
    lent.balloon(200 * kMiB);
    for (int i = 0; i < 5; ++i)
        CHECK(lent.bench.tick()->decisions[0].constraint == Constraint::set_by_others);
    lent.balloon(20 * kMiB);
    CHECK(lent.bench.tick()->decisions[0].constraint == Constraint::set_by_others);
    CHECK(lent.bench.backend.steps.empty());
    CHECK(lent.bench.controller().lent_bytes() == 0);

    REQUIRE(lent.bench.controller().disable("g1", false));
    lent.bench.tick();
    CHECK(lent.bench.tick()->decisions[0].constraint == Constraint::none);
}

TEST_CASE("a guest that comes to its own size after its start was not set by anybody") {
    Settings settings;
    settings.policy.name = "fixed";
    settings.guests.set_by_others = SetByOthers::release;
    Bench bench(settings);
    bench.backend.capabilities_.asynchronous = true;
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.backend.table.loaned_bytes[0] = 512 * kMiB;  // <currentMemory> below <memory>
    for (int i = 0; i < 3; ++i) CHECK(bench.tick()->decisions[0].constraint == Constraint::none);
    CHECK(bench.backend.steps.empty());
    CHECK(bench.controller().lent_bytes() == 0);
}

TEST_CASE("a guest that reboots was not set by anybody") {
    Lent lent(SetByOthers::adopt);
    DomainTable& table = lent.bench.backend.table;
    const DomainFlags driver = GENERATE(DomainFlags::none, DomainFlags::deflate_on_oom);
    lent.bench.send(EventKind::guest_rebooted, "g1");
    // Its balloon stays as it was until the driver is up, and then starts from nothing.
    table.flags[0] = driver | DomainFlags::starting;
    for (int i = 0; i < 3; ++i) lent.bench.tick();
    table.flags[0] = driver;
    for (const std::uint64_t loaned : {0 * kMiB, 40 * kMiB, 100 * kMiB}) {
        lent.balloon(loaned);
        lent.bench.tick();
    }
    for (int i = 0; i < 3; ++i) CHECK(lent.bench.tick()->decisions[0].oom_freed_bytes == 0);
    CHECK(lent.bench.backend.table.loaned_bytes[0] == 100 * kMiB);
    CHECK(lent.bench.controller().lent_bytes() == 100 * kMiB);
}
