// Whom a policy and a reservation leave out: every reason for it, one at a time. A guest that is
// counted on and cannot move leaves the host short.
#include <catch2/catch.hpp>
#include <string>

#include "base/log.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

const std::vector<DomainFlags> kStopped{
    DomainFlags::paused,        DomainFlags::migrating, DomainFlags::hotplug,
    DomainFlags::no_driver,     DomainFlags::starting,  DomainFlags::unanswered,
    DomainFlags::pinned_memory, DomainFlags::crashed,   DomainFlags::saving,
};
const std::vector<DomainFlags> kDoubtful{
    DomainFlags::stale_stats,
    DomainFlags::no_stats,
    DomainFlags::bad_stats,
    DomainFlags::late_stats,
};
const std::vector<DomainFlags> kHarmless{DomainFlags::none, DomainFlags::deflate_on_oom,
                                         DomainFlags::carried_over,
                                         DomainFlags::deflate_on_oom | DomainFlags::carried_over};

// What the controller itself may know of a guest.
using Happens = void (*)(Bench&);
const std::vector<Happens> kHappenings{
    [](Bench& bench) { bench.send(EventKind::domain_paused, "g1"); },
    [](Bench& bench) { bench.send(EventKind::migration_began, "g1"); },
    [](Bench& bench) { bench.send(EventKind::hotplug_began, "g1"); },
    [](Bench& bench) { CHECK(bench.controller().disable("g1", true)); },
    // It runs short and is left alone.
    [](Bench& bench) {
        bench.backend.table.usable_bytes[0] = kMiB;
        bench.tick();
        REQUIRE(bench.controller().snapshots().latest()->decisions[0].constraint ==
                Constraint::surge);
        bench.backend.table.usable_bytes[0] = 1600 * kMiB;
    },
    // Its balloon does not move.
    [](Bench& bench) {
        bench.backend.capabilities_.asynchronous = true;
        REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "204800"));
        for (int i = 0; i < 33; ++i) bench.tick();
        REQUIRE(bench.controller().snapshots().latest()->decisions[0].constraint ==
                Constraint::stuck);
        REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "102400"));
    },
    // Somebody else sets its balloon.
    [](Bench& bench) {
        bench.backend.capabilities_.asynchronous = true;
        REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "204800"));
        for (const std::uint64_t loaned : {100 * kMiB, 200 * kMiB, 150 * kMiB}) {
            bench.backend.table.loaned_bytes[0] = loaned;
            bench.tick();
        }
        for (int i = 0; i < 6; ++i) bench.tick();
        REQUIRE(bench.controller().snapshots().latest()->decisions[0].constraint ==
                Constraint::set_by_others);
    },
};

// Two guests of 2 GiB, the first of which lends 100 MiB, on a host with 4 GiB available.
struct Two {
    Two() : bench(with_loan()) {
        for (const char* name : {"g1", "g2"}) {
            const std::size_t row = bench.backend.add(name, 2 * kGiB);
            bench.backend.table.page_shift[row] = 12;
            bench.backend.table.usable_bytes[row] = 1600 * kMiB;
        }
        bench.backend.host.total_bytes = 16 * kGiB;
        bench.backend.host.available_bytes = 4 * kGiB;
        REQUIRE(bench.tick()->decisions[0].constraint == Constraint::none);
        REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "102400"));
        bench.tick();
        REQUIRE(bench.backend.table.loaned_bytes[0] == 100 * kMiB);
    }
    static Settings with_loan() {
        Settings settings = fixed_settings(0);
        settings.guests.surge_below_bytes = 64 * kMiB;
        settings.guests.set_by_others = SetByOthers::release;
        return settings;
    }
    // From now on policy `ballast` decides.
    RequestReason reason_under_policy_ballast() {
        Settings settings = bench.settings;
        settings.policy.name = "ballast";
        bench.controller().reconfigure(settings);
        return bench.tick()->decisions[0].request_reason;
    }
    // How much more the first guest is to lend once 5 GiB are reserved and 4 are there.
    std::uint64_t asked_for_a_reservation() {
        bench.backend.steps.clear();
        const std::uint64_t before = bench.backend.table.loaned_bytes[0];
        REQUIRE(bench.controller().reserve(5 * kGiB, "", 10min));
        const auto snapshot = bench.tick();
        REQUIRE(snapshot->decisions[1].decided_bytes > 100 * kMiB);  // the other one is asked
        others_share = snapshot->decisions[1].decided_bytes;
        std::uint64_t most = before;
        for (const Step& step : bench.backend.steps)
            if (step.row == 0) most = std::max(most, step.loaned_to_bytes);
        return most - before;
    }

    log::Redirect quiet{[](log::Level, std::string_view) {}};
    Bench bench;
    std::uint64_t others_share = 0;
};

constexpr std::uint64_t kMostOfOne = 1200 * kMiB;  // of 1600 MiB a quarter stays

}  // namespace

TEST_CASE("a policy leaves out a guest with any flag that stops its balloon") {
    const DomainFlags flag = GENERATE(from_range(kStopped));
    CAPTURE(static_cast<unsigned>(flag));
    Two two;
    two.bench.backend.table.flags[0] = flag;
    CHECK(two.reason_under_policy_ballast() == RequestReason::held);
}

TEST_CASE("a policy counts on a guest whose flags stop nothing, or inflation for a while") {
    const DomainFlags flag = GENERATE(from_range(kDoubtful), from_range(kHarmless));
    CAPTURE(static_cast<unsigned>(flag));
    Two two;
    two.bench.backend.table.flags[0] = flag;
    CHECK(two.reason_under_policy_ballast() != RequestReason::held);
}

TEST_CASE("a policy leaves out a guest that the controller does not move") {
    // The last one has a test of its own: another policy takes control of such a guest again.
    const std::size_t index = GENERATE(range(std::size_t{0}, kHappenings.size() - 1));
    CAPTURE(index);
    Two two;
    kHappenings[index](two.bench);
    CHECK(two.reason_under_policy_ballast() == RequestReason::held);
}

TEST_CASE("a policy leaves out a guest that is left to others") {
    Two two;
    Bench& bench = two.bench;
    bench.backend.capabilities_.asynchronous = true;
    bench.backend.host.available_bytes = 0;
    two.reason_under_policy_ballast();
    for (int i = 0; i < 20; ++i) {  // until both lend all that they may
        REQUIRE(bench.tick()->decisions[0].request_reason != RequestReason::held);
        for (const Step& step : bench.backend.steps)
            bench.backend.table.loaned_bytes[step.row] = step.loaned_to_bytes;
    }
    REQUIRE(bench.backend.table.loaned_bytes[0] > 200 * kMiB);
    bench.backend.table.loaned_bytes[0] = 150 * kMiB;
    for (int i = 0; i < 6; ++i) bench.tick();
    const auto snapshot = bench.controller().snapshots().latest();
    REQUIRE(snapshot->decisions[0].constraint == Constraint::set_by_others);
    CHECK(snapshot->decisions[0].request_reason == RequestReason::held);
}

TEST_CASE("a policy counts on a stuck guest and one that ran short as soon as it is asked again") {
    const std::size_t index = GENERATE(std::size_t{4}, std::size_t{5});
    Two two;
    kHappenings[index](two.bench);
    two.bench.clock.advance(61s);
    CHECK(two.reason_under_policy_ballast() != RequestReason::held);
}

TEST_CASE("a reservation asks nothing of a guest with any flag that casts doubt on it") {
    const DomainFlags flag = GENERATE(from_range(kStopped), from_range(kDoubtful));
    CAPTURE(static_cast<unsigned>(flag));
    Two two;
    two.bench.backend.table.flags[0] = flag;
    CHECK(two.asked_for_a_reservation() == 0);
    CHECK(two.others_share >= kGiB);  // the other guest lends all of it
}

TEST_CASE("a reservation is shared by guests whose flags are harmless") {
    const DomainFlags flag = GENERATE(from_range(kHarmless));
    CAPTURE(static_cast<unsigned>(flag));
    Two two;
    two.bench.backend.table.flags[0] = flag;
    CHECK(two.asked_for_a_reservation() > 400 * kMiB);
    CHECK(two.others_share < kMostOfOne / 2);
}

TEST_CASE("a reservation asks nothing of a guest that the controller does not move") {
    const std::size_t index = GENERATE(range(std::size_t{0}, kHappenings.size()));
    CAPTURE(index);
    Two two;
    kHappenings[index](two.bench);
    CHECK(two.asked_for_a_reservation() == 0);
    CHECK(two.others_share >= kGiB);
}

TEST_CASE("a reservation asks nothing of a guest that was enabled just now") {
    Two two;
    REQUIRE(two.bench.controller().disable("g1", true));
    REQUIRE(two.bench.controller().disable("g1", false));
    CHECK(two.asked_for_a_reservation() == 100 * kMiB);  // what it lends anyway
    CHECK(two.others_share >= kGiB);
}
