// What each event does to a domain's books: one test, and one line to lose, for each.
#include <catch2/catch.hpp>
#include <functional>

#include "base/log.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

struct Guest {
    explicit Guest(bool asynchronous = false) : bench(fixed_settings(384 * 1024)) {
        bench.backend.capabilities_.asynchronous = asynchronous;
        bench.backend.capabilities_.reports_oom = !asynchronous;
        bench.backend.add("g1", kGiB);
        bench.backend.table.page_shift[0] = 12;
        bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
        tick();
        if (asynchronous) balloon(384 * kMiB);
        tick();
        bench.backend.steps.clear();
    }
    void balloon(std::uint64_t loaned_bytes) { bench.backend.table.loaned_bytes[0] = loaned_bytes; }
    std::uint64_t loaned() const { return bench.backend.table.loaned_bytes[0]; }
    Decision tick() { return bench.tick()->decisions[0]; }
    void wish(const char* kib) {
        REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", kib));
    }

    log::Redirect quiet{[](log::Level, std::string_view) {}};
    Bench bench;
};

}  // namespace

TEST_CASE("a pair of events holds a domain from the first to the second") {
    const auto [began, ended, reason] = GENERATE(table<EventKind, EventKind, Constraint>({
        {EventKind::domain_paused, EventKind::domain_resumed, Constraint::paused},
        {EventKind::migration_began, EventKind::migration_ended, Constraint::migrating},
        {EventKind::hotplug_began, EventKind::hotplug_ended, Constraint::hotplug},
        {EventKind::hotplug_began, EventKind::hotplug_cancelled, Constraint::hotplug},
    }));
    Guest guest;
    guest.bench.send(began, "g1");
    guest.wish("512000");
    for (int i = 0; i < 100; ++i) CHECK(guest.tick().constraint == reason);
    guest.bench.send(ended, "g1");
    // A hotplug suspends for its delay of 5 s, and one more tick.
    for (int i = 0; i < 8; ++i) guest.tick();
    CHECK(guest.loaned() == 500 * kMiB);
}

TEST_CASE("events that the next observation tells as well change nothing by themselves") {
    const EventKind kind =
        GENERATE(EventKind::domain_came, EventKind::domain_went, EventKind::balloon_changed,
                 EventKind::set_by_others, EventKind::page_migrated, EventKind::backend_lost,
                 EventKind::backend_back);
    Guest guest;
    guest.bench.send(kind, "g1", kMiB, kMiB);
    const Decision decision = guest.tick();
    CHECK(decision.constraint == Constraint::none);
    CHECK(decision.oom_freed_bytes == 0);
    CHECK(guest.bench.backend.steps.empty());
}

TEST_CASE("a rebooted guest's driver knows of no credit: it lends as much as before it ran out") {
    Guest guest;
    guest.balloon(84 * kMiB);
    guest.bench.send(EventKind::oom, "g1", 300 * kMiB, 84 * kMiB);
    REQUIRE(guest.tick().oom_freed_bytes == 300 * kMiB);
    REQUIRE(guest.loaned() == 84 * kMiB);
    guest.balloon(0);
    guest.bench.send(EventKind::guest_rebooted, "g1");
    CHECK(guest.tick().oom_freed_bytes == 0);
    CHECK(guest.loaned() == 384 * kMiB);
}

TEST_CASE("a rebooted guest with a credit has none under an asynchronous hypervisor either") {
    Guest guest(true);
    guest.balloon(84 * kMiB);
    REQUIRE(guest.tick().oom_freed_bytes == 300 * kMiB);
    guest.bench.send(EventKind::guest_rebooted, "g1");
    guest.balloon(0);
    CHECK(guest.tick().oom_freed_bytes == 0);
}

TEST_CASE("a reboot calls off what was to follow an OOM: nothing is set while the guest boots") {
    Guest guest(true);
    guest.balloon(84 * kMiB);
    guest.tick();  // its set value is to follow once it stands still
    guest.bench.send(EventKind::guest_rebooted, "g1");
    guest.bench.backend.table.flags[0] = DomainFlags::deflate_on_oom | DomainFlags::no_stats;
    guest.wish("86016");  // 84 MiB, where it is
    for (int i = 0; i < 5; ++i) guest.tick();
    guest.bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    for (int i = 0; i < 5; ++i) guest.tick();
    CHECK(guest.bench.backend.steps.empty());
}

TEST_CASE("a stuck guest that reboots is asked again at once") {
    Guest guest(true);
    guest.wish("512000");
    for (int i = 0; i < 35; ++i) guest.tick();
    REQUIRE(guest.tick().constraint == Constraint::stuck);
    guest.bench.send(EventKind::guest_rebooted, "g1");
    CHECK(guest.tick().constraint != Constraint::stuck);
}

TEST_CASE("a rebooted guest's faults are counted from its own start") {
    Guest guest;
    guest.bench.backend.table.usable_bytes[0] = 100 * kMiB;  // short only with many faults
    guest.bench.backend.table.major_faults[0] = 100;
    guest.tick();
    guest.bench.send(EventKind::guest_rebooted, "g1");
    // The kernel read its programs in; the counter passed the old one's.
    guest.bench.backend.table.major_faults[0] = 5000;
    CHECK(guest.tick().constraint == Constraint::none);
    guest.bench.backend.table.major_faults[0] = 10000;
    CHECK(guest.tick().constraint == Constraint::surge);
}

TEST_CASE("a move that failed is asked for again after a second") {
    Guest guest(true);
    guest.wish("512000");
    guest.tick();
    REQUIRE(guest.bench.backend.steps.size() == 1);
    for (int i = 0; i < 3; ++i) guest.tick();
    REQUIRE(guest.bench.backend.steps.size() == 1);  // it is on its way
    guest.bench.send(EventKind::move_failed, "g1");
    guest.tick();
    REQUIRE(guest.bench.backend.steps.size() == 1);
    guest.tick();
    REQUIRE(guest.bench.backend.steps.size() == 2);
    CHECK(guest.bench.backend.steps[1].loaned_to_bytes == 500 * kMiB);
}

TEST_CASE("what somebody else sets after an OOM and a move that failed is noticed all the same") {
    Guest guest(true);
    guest.balloon(84 * kMiB);
    REQUIRE(guest.tick().oom_freed_bytes == 300 * kMiB);  // its set value is to follow
    guest.bench.send(EventKind::move_failed, "g1");
    guest.tick();
    guest.tick();
    guest.balloon(600 * kMiB);
    guest.tick();
    CHECK(guest.bench.controller().lent_bytes() == 0);  // it is not ours to give back
}

TEST_CASE("after a move that failed the balloon is nobody's doing wherever it rests") {
    Guest guest(true);
    guest.bench.backend.table.flags[0] = DomainFlags::none;
    guest.wish("102400");
    guest.tick();
    guest.balloon(200 * kMiB);  // on its way to 100
    guest.tick();
    guest.bench.send(EventKind::move_failed, "g1");
    guest.bench.backend.answer = [](const Step& step) {
        return StepOutcome{StepStatus::refused, step.loaned_from_bytes, Constraint::stuck, ""};
    };
    guest.tick();
    guest.tick();
    CHECK(guest.bench.controller().lent_bytes() == 200 * kMiB);  // all of it still ours
}

TEST_CASE("an event of a domain that was never seen waits for the first observation alone") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.send(EventKind::domain_paused, "g1");
    bench.controller().process_events();
    CHECK(bench.tick()->decisions[0].constraint == Constraint::paused);
    // Later on it is of one that has gone.
    bench.send(EventKind::domain_paused, "g2");
    bench.tick();
    bench.backend.add("g2", kGiB);
    CHECK(bench.tick()->decisions[1].constraint == Constraint::none);
}

TEST_CASE("every event is counted once") {
    Guest guest;
    const std::uint64_t before = guest.bench.tick()->tick.events;
    guest.bench.send(EventKind::domain_paused, "g1");
    guest.bench.send(EventKind::domain_resumed, "g1");
    CHECK(guest.bench.tick()->tick.events == before + 2);
    CHECK(guest.bench.tick()->tick.events == before + 2);
}
