// Every reason to hold a domain, one at a time: what it stops, what it is called, and which reason
// is told where two apply.
#include <catch2/catch.hpp>
#include <string>

#include "controller/gate.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

enum class Stops { nothing, inflation, all };

struct Flag {
    DomainFlags flag;
    Stops stops;
    Constraint reason;
};

// In the order of the bits.
const Flag kFlags[] = {
    {DomainFlags::paused, Stops::all, Constraint::paused},
    {DomainFlags::migrating, Stops::all, Constraint::migrating},
    {DomainFlags::hotplug, Stops::inflation, Constraint::hotplug},
    {DomainFlags::no_driver, Stops::all, Constraint::no_driver},
    {DomainFlags::stale_stats, Stops::inflation, Constraint::stale_stats},
    {DomainFlags::pinned_memory, Stops::inflation, Constraint::pinned_memory},
    {DomainFlags::deflate_on_oom, Stops::nothing, Constraint::none},
    {DomainFlags::starting, Stops::all, Constraint::stale_stats},
    {DomainFlags::unanswered, Stops::all, Constraint::backend_error},
    {DomainFlags::carried_over, Stops::nothing, Constraint::none},
    {DomainFlags::crashed, Stops::all, Constraint::crashed},
    {DomainFlags::saving, Stops::all, Constraint::saving},
    {DomainFlags::no_stats, Stops::inflation, Constraint::no_stats},
    {DomainFlags::bad_stats, Stops::inflation, Constraint::bad_stats},
    {DomainFlags::late_stats, Stops::nothing, Constraint::none},
};

constexpr Time kNow{std::chrono::hours(1)};

GateAnswer ask(DomainFlags flags, bool always_give_back = true) {
    DomainControl control;
    return gate(control, flags, kNow, {.delay = 1s, .always_give_back = always_give_back});
}

void check(const GateAnswer& answer, Stops stops, Constraint reason) {
    CHECK(answer.reason == reason);
    CHECK(answer.inflate == (stops == Stops::nothing));
    CHECK(answer.deflate == (stops != Stops::all));
}

}  // namespace

TEST_CASE("each flag of a domain stops what it says and no more") {
    unsigned bit = 0;
    for (const Flag& flag : kFlags) {
        CAPTURE(bit);
        // A new flag has to be listed here, with what it stops.
        CHECK(static_cast<unsigned>(flag.flag) == 1U << bit++);
        check(ask(flag.flag), flag.stops, flag.reason);
    }
    check(ask(DomainFlags::none), Stops::nothing, Constraint::none);
}

TEST_CASE("a hotplug that a backend shows by a flag stops everything under the driver's rules") {
    check(ask(DomainFlags::hotplug, false), Stops::all, Constraint::hotplug);
}

TEST_CASE("each hold that the controller keeps by itself stops everything") {
    DomainControl control;
    const auto [hold, reason] = GENERATE(table<void (*)(DomainControl&), Constraint>({
        {[](DomainControl& c) { c.paused = true; }, Constraint::paused},
        {[](DomainControl& c) { c.migrating = true; }, Constraint::migrating},
        {[](DomainControl& c) { c.hotplug_running = true; }, Constraint::hotplug},
        {[](DomainControl& c) { c.hotplug_occurred = true; }, Constraint::hotplug},
        {[](DomainControl& c) { c.yielded = Yielded::control; }, Constraint::set_by_others},
        {[](DomainControl& c) { c.others_moving = true; }, Constraint::set_by_others},
        {[](DomainControl& c) {
             c.held_for = Constraint::disabled;
             c.held_until = kNow + 1s;
         },
         Constraint::disabled},
    }));
    hold(control);
    const GateAnswer answer =
        gate(control, DomainFlags::none, kNow, {.delay = 1s, .always_give_back = false});
    check(answer, Stops::all, reason);
}

TEST_CASE("a domain whose size somebody else set is held by nothing") {
    DomainControl control;
    control.yielded = Yielded::size;
    check(gate(control, DomainFlags::none, kNow, {}), Stops::nothing, Constraint::none);
}

TEST_CASE("a domain whose balloon shrank lends no more until it is known why") {
    DomainControl control;
    control.shrunk.open = true;
    check(gate(control, DomainFlags::none, kNow, {}), Stops::inflation, Constraint::stale_stats);
}

TEST_CASE("a hold until some time ends at that time, and not before") {
    DomainControl control;
    control.held_for = Constraint::disabled;
    control.held_until = kNow;
    check(gate(control, DomainFlags::none, kNow - 1ns, {}), Stops::all, Constraint::disabled);
    check(gate(control, DomainFlags::none, kNow, {}), Stops::nothing, Constraint::none);
    CHECK(control.held_for == Constraint::none);
}

TEST_CASE("of two reasons the one is told that says more") {
    using enum DomainFlags;
    // Libvirt shows a domain that is saved, that has crashed or that arrives as paused, too. What
    // stops everything goes before what stops inflation alone.
    const auto [flags, reason] = GENERATE(table<DomainFlags, Constraint>({
        {migrating | paused, Constraint::migrating},
        {migrating | saving, Constraint::migrating},
        {saving | paused, Constraint::saving},
        {crashed | paused, Constraint::crashed},
        {paused | stale_stats, Constraint::paused},
        {unanswered | stale_stats, Constraint::backend_error},
        {no_driver | no_stats, Constraint::no_driver},
        {no_driver | starting, Constraint::no_driver},
        {starting | no_stats, Constraint::stale_stats},
        {starting | pinned_memory, Constraint::stale_stats},
        {pinned_memory | stale_stats, Constraint::pinned_memory},
        {stale_stats | bad_stats, Constraint::stale_stats},
        {bad_stats | no_stats, Constraint::bad_stats},
    }));
    CAPTURE(static_cast<unsigned>(flags));
    CHECK(ask(flags).reason == reason);
}

TEST_CASE("what stops inflation alone lets every give-back through; what stops all lets nothing") {
    for (const Flag& flag : kFlags) {
        CAPTURE(static_cast<unsigned>(flag.flag));
        Bench bench(fixed_settings(512 * 1024));
        bench.backend.add("g1", kGiB);
        bench.tick();
        bench.backend.steps.clear();
        bench.backend.table.flags[0] = flag.flag;
        REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "614400"));
        CHECK(bench.tick()->decisions[0].constraint == flag.reason);
        CHECK(bench.backend.steps.size() == (flag.stops == Stops::nothing ? 1 : 0));
        REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "102400"));
        bench.tick();
        CHECK((bench.backend.table.loaned_bytes[0] == 100 * kMiB) == (flag.stops != Stops::all));
    }
}
