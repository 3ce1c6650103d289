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
    // The hypervisor's set value agrees, for a driver that starts anew goes by that.
    REQUIRE(lent.bench.backend.steps.size() == 1);
    CHECK(lent.bench.backend.steps[0].loaned_to_bytes == 200 * kMiB);
    CHECK(lent.bench.controller().lent_bytes() == 0);  // nothing to give back when we stop
    lent.bench.backend.steps.clear();

    SECTION("whatever else is set") {
        REQUIRE(lent.bench.controller().set_attribute("", "delay", "2"));
        REQUIRE(lent.bench.controller().set_attribute("g1", "min_mem_mb", "300"));
        for (int i = 0; i < 3; ++i)
            CHECK(lent.bench.tick()->decisions[0].decided_bytes == 200 * kMiB);
        CHECK(lent.bench.backend.steps.empty());
    }

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

TEST_CASE("a balloon on its way to what somebody else set is let alone until it is there") {
    Lent lent(SetByOthers::adopt);
    std::vector<std::string> told;
    const log::Redirect listen([&](log::Level, std::string_view text) { told.emplace_back(text); });
    for (const std::uint64_t theirs : {90 * kMiB, 60 * kMiB, 40 * kMiB}) {
        lent.balloon(theirs);
        CHECK(lent.bench.tick()->decisions[0].constraint == Constraint::set_by_others);
    }
    CHECK(told.empty());
    CHECK(lent.bench.backend.steps.empty());
    for (int i = 0; i < 5; ++i) lent.bench.tick();
    REQUIRE(told.size() == 1);
    CHECK(told[0].find("from 100 MiB lent to 40 MiB") != std::string::npos);
}

TEST_CASE("override that cannot be done is told once") {
    Lent lent(SetByOthers::override);
    std::vector<std::string> told;
    const log::Redirect listen([&](log::Level, std::string_view text) { told.emplace_back(text); });
    lent.bench.backend.table.flags[0] = DomainFlags::stale_stats;
    lent.balloon(20 * kMiB);
    for (int i = 0; i < 10; ++i) lent.bench.tick();
    CHECK(told.size() == 1);
}

TEST_CASE("a move that seemed to have failed and happens later is still ours to give back") {
    Lent lent(SetByOthers::adopt);
    REQUIRE(lent.bench.controller().set_attribute("g1", "simulate_loan_target_kb", "307200"));
    lent.bench.tick();
    lent.bench.send(EventKind::move_failed, "g1");
    lent.bench.backend.answer = [](const Step& step) {
        return StepOutcome{StepStatus::refused, step.loaned_from_bytes, Constraint::stuck, ""};
    };
    lent.bench.tick();
    lent.bench.backend.answer = nullptr;
    lent.bench.backend.capabilities_.asynchronous = true;
    for (const std::uint64_t loaned : {180 * kMiB, 300 * kMiB}) {
        lent.balloon(loaned);
        lent.bench.tick();
    }
    CHECK(lent.bench.controller().lent_bytes() == 300 * kMiB);
}

TEST_CASE("release: a domain whose balloon somebody else set is left alone until enabled again") {
    Lent lent(SetByOthers::release);
    lent.balloon(200 * kMiB);
    for (int i = 0; i < 5; ++i)
        CHECK(lent.bench.tick()->decisions[0].constraint == Constraint::set_by_others);
    CHECK(lent.bench.backend.steps.empty());
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

// What QEMU shows of a guest that is reset while it takes memory back, and lends nothing
// afterwards: its new driver has nothing to do, and says nothing.
TEST_CASE("a driver that begins anew with nothing to lend is made to tell its size") {
    Lent lent(SetByOthers::adopt);
    DomainTable& table = lent.bench.backend.table;
    auto& steps = lent.bench.backend.steps;
    const bool stopping = GENERATE(false, true);
    REQUIRE(lent.bench.controller().set_attribute("g1", "simulate_loan_target_kb", "0"));
    lent.bench.tick();
    REQUIRE(steps.size() == 1);
    REQUIRE(steps[0].loaned_to_bytes == 0);
    lent.bench.send(EventKind::guest_rebooted, "g1");
    table.flags[0] = DomainFlags::starting;
    for (int i = 0; i < 20; ++i) lent.bench.tick();
    table.flags[0] = DomainFlags::none;
    CHECK(steps.size() == 1);
    bool returned = false;
    for (int i = 0; i < 8; ++i) {
        if (stopping) {
            lent.bench.clock.advance(std::chrono::seconds(1));
            returned = lent.bench.controller().give_everything_back();
        } else {
            lent.bench.tick();
        }
        // The driver answers what it does: it goes where it is not already.
        if (steps.back().loaned_to_bytes == kMiB) lent.balloon(kMiB);
        if (table.loaned_bytes[0] == kMiB) lent.balloon(steps.back().loaned_to_bytes);
    }
    REQUIRE(steps.size() == 3);
    CHECK(steps[1].loaned_to_bytes == kMiB);
    CHECK(steps[2].loaned_to_bytes == 0);
    CHECK(lent.bench.controller().lent_bytes() == 0);
    CHECK(returned == stopping);
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
