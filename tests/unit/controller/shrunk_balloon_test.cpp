// A balloon that shrinks with nobody having asked for it: which of that is an OOM.
#include "controller/shrunk_balloon.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/log.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

namespace {

constexpr std::uint64_t kLent = 256 * kMiB;

// A guest of 1 GiB that uses 300 MiB, was asked for 256 MiB and lends them. Its statistics are of
// the second before, as QEMU's are, so that those of a tick in which its balloon moved are late.
struct Guest {
    explicit Guest(DomainFlags flags = DomainFlags::deflate_on_oom, bool has_figures = true)
        : kind(flags), figures(has_figures), bench(fixed_settings(kLent / kKiB)) {
        bench.settings.guests.surge_below_bytes = 0;
        bench.backend.capabilities_.asynchronous = true;
        bench.backend.capabilities_.reports_oom = false;
        bench.backend.add("g1", kGiB);
        report();
        tick(0);
        tick(kLent);
        for (int i = 0; i < 5; ++i) tick(kLent);
        bench.backend.steps.clear();
    }
    // A second passes; then the guest lends so much.
    const Decision& tick(std::uint64_t loaned_bytes) {
        DomainTable& table = bench.backend.table;
        const bool moved = table.loaned_bytes[0] != loaned_bytes;
        if (!moved && reports) report();
        table.loaned_bytes[0] = loaned_bytes;
        const bool late = moved || (figures && !reports && late_since_move);
        late_since_move = late;
        table.flags[0] = kind | state | (late ? DomainFlags::late_stats : DomainFlags::none);
        snapshot = bench.tick();
        return snapshot->decisions[0];
    }
    void report() {
        if (!figures) return;
        DomainTable& table = bench.backend.table;
        const std::uint64_t kept = kGiB - table.loaned_bytes[0];
        table.usable_bytes[0] = kept - std::min(kept, used_bytes);
        table.unused_bytes[0] = table.usable_bytes[0];
    }
    void ask(std::uint64_t loaned_bytes) {
        REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb",
                                                 std::to_string(loaned_bytes / kKiB)));
    }
    std::uint64_t credit() {
        return std::stoull(*bench.controller().get_attribute("g1", "oom_freed_kb")) * kKiB;
    }
    std::vector<Step>& steps() { return bench.backend.steps; }

    const DomainFlags kind;
    const bool figures;
    std::uint64_t used_bytes = 300 * kMiB;
    DomainFlags state = DomainFlags::none;
    bool reports = true;
    bool late_since_move = false;
    log::Redirect quiet{[](log::Level, std::string_view) {}};
    Bench bench;
    SnapshotExchange::Handle snapshot;
};

}  // namespace

TEST_CASE("a guest on its way to a loan that was replaced since has not run out of memory") {
    // What is asked for in each second, and how far the guest has come by then.
    struct Second {
        std::uint64_t asked_mib;
        std::uint64_t seen_mib;
    };
    const auto seconds = GENERATE(
        std::vector<Second>{{0, 256}, {250, 256}, {250, 140}, {250, 90}, {250, 200}, {250, 250}},
        std::vector<Second>{{0, 256}, {250, 200}, {250, 100}, {250, 40}, {250, 250}},
        std::vector<Second>{{0, 256}, {250, 130}, {20, 200}, {250, 60}, {250, 30}, {250, 250}},
        std::vector<Second>{{100, 256}, {256, 180}, {256, 100}, {256, 256}},
        std::vector<Second>{{500, 256}, {0, 450}, {400, 300}, {400, 100}, {400, 20}, {400, 400}},
        std::vector<Second>{
            {0, 256}, {250, 256}, {0, 190}, {250, 190}, {0, 90}, {250, 30}, {250, 0}, {250, 250}});
    Guest guest(DomainFlags::deflate_on_oom, GENERATE(true, false));
    for (const Second& second : seconds) {
        guest.ask(second.asked_mib * kMiB);
        guest.tick(second.seen_mib * kMiB);
        CHECK(guest.credit() == 0);
    }
    for (int i = 0; i < 20; ++i) guest.tick(seconds.back().seen_mib * kMiB);
    CHECK(guest.credit() == 0);
    CHECK(guest.tick(seconds.back().seen_mib * kMiB).constraint == Constraint::none);

    SECTION("but one that runs out after that has") {
        guest.used_bytes = kGiB - 150 * kMiB;
        guest.tick(150 * kMiB);
        guest.tick(150 * kMiB);
        CHECK(guest.credit() == (seconds.back().seen_mib - 150) * kMiB);
    }
}

TEST_CASE("a guest that runs out while it moves between two requests is credited by its figures") {
    Guest guest;
    guest.ask(0);
    guest.tick(kLent);
    guest.ask(240 * kMiB);
    guest.tick(200 * kMiB);
    guest.used_bytes = kGiB - 100 * kMiB;
    guest.tick(100 * kMiB);
    guest.tick(100 * kMiB);
    CHECK(guest.credit() == 100 * kMiB);
}

TEST_CASE("an OOM right after an inflation by steps is credited at once") {
    Settings settings = fixed_settings(kLent / kKiB);
    settings.guests.surge_below_bytes = 0;
    settings.cmm.max_step_bytes = 32 * kMiB;
    Bench bench(settings);
    bench.backend.capabilities_.asynchronous = true;
    bench.backend.capabilities_.reports_oom = false;
    bench.backend.add("g1", kGiB);
    DomainTable& table = bench.backend.table;
    table.flags[0] = DomainFlags::deflate_on_oom | DomainFlags::late_stats;
    table.usable_bytes[0] = 500 * kMiB;
    // The guest comes half of the way in each second, so that each request replaces one before.
    for (int i = 0; i < 60 && table.loaned_bytes[0] < kLent; ++i) {
        bench.tick();
        if (bench.backend.steps.empty()) continue;
        const std::uint64_t goal = bench.backend.steps.back().loaned_to_bytes;
        table.loaned_bytes[0] += std::max(kMiB, (goal - table.loaned_bytes[0]) / 2);
        table.loaned_bytes[0] = std::min(table.loaned_bytes[0] & ~(kMiB - 1), kLent);
    }
    bench.tick();
    REQUIRE(table.loaned_bytes[0] == kLent);
    table.loaned_bytes[0] = kLent - kMiB;
    table.usable_bytes[0] = 4 * kMiB;
    const auto snapshot = bench.tick();
    CHECK(snapshot->decisions[0].oom_freed_bytes == kMiB);
    CHECK(snapshot->decisions[0].constraint != Constraint::set_by_others);
}

TEST_CASE("an OOM is credited as its guest's figures say, or where they never come") {
    SECTION("the guest was seen to run short: at once") {
        Guest guest;
        guest.used_bytes = kGiB - kLent - 10 * kMiB;
        guest.tick(kLent);
        CHECK(guest.tick(200 * kMiB).oom_freed_bytes == 56 * kMiB);
        CHECK(guest.tick(100 * kMiB).oom_freed_bytes == 156 * kMiB);
    }
    SECTION("it tells nothing at all: at once") {
        Guest guest(DomainFlags::deflate_on_oom, false);
        CHECK(guest.tick(200 * kMiB).oom_freed_bytes == 56 * kMiB);
    }
    SECTION("its next figures say so") {
        Guest guest;
        guest.used_bytes = kGiB - 150 * kMiB;
        guest.tick(150 * kMiB);
        CHECK(guest.tick(150 * kMiB).oom_freed_bytes == 106 * kMiB);
    }
    SECTION("its next figures say so, of all that it lent") {
        Guest guest;
        guest.used_bytes = kGiB - 12 * kMiB;
        CHECK(guest.tick(0).oom_freed_bytes == 0);
        CHECK(guest.tick(0).oom_freed_bytes == kLent);
    }
    SECTION("it ran short first, and has all free again since a program was killed") {
        Guest guest;
        guest.used_bytes = kGiB - kLent - 10 * kMiB;
        guest.tick(kLent);
        guest.used_bytes = 100 * kMiB;
        guest.tick(0);
        CHECK(guest.credit() == kLent);
    }
    SECTION("the next ones come in a minute: once a refill would have shown") {
        Guest guest;
        guest.reports = false;
        guest.used_bytes = kGiB - 150 * kMiB;
        for (int i = 0; i < 7; ++i) guest.tick(150 * kMiB);
        CHECK(guest.credit() == 106 * kMiB);
    }
    SECTION("it was over before the next ones came: a part is given back for nothing else") {
        Guest guest;
        for (int i = 0; i < 5; ++i) guest.tick(150 * kMiB);
        CHECK(guest.credit() == 106 * kMiB);
    }
}

TEST_CASE("while it is open why a balloon shrank its guest is asked for nothing") {
    Guest guest;
    guest.reports = false;
    guest.ask(300 * kMiB);
    guest.tick(300 * kMiB);
    guest.tick(300 * kMiB);
    guest.steps().clear();
    guest.reports = true;
    guest.tick(300 * kMiB);
    guest.ask(400 * kMiB);
    const Decision& decision = guest.tick(150 * kMiB);
    CHECK(decision.constraint == Constraint::stale_stats);
    CHECK(decision.decided_bytes == 150 * kMiB);
    CHECK(guest.steps().empty());
}

TEST_CASE("a driver that goes and comes again is no OOM, and fills its balloon by itself") {
    // With autodeflate and without.
    Guest guest(GENERATE(DomainFlags::deflate_on_oom, DomainFlags::none));
    guest.reports = false;

    SECTION("its guest sleeps, and is seen to sleep later") {
        guest.tick(0);
        guest.tick(0);
        guest.state = DomainFlags::paused;
        for (int i = 0; i < 100; ++i) CHECK(guest.tick(0).constraint == Constraint::paused);
        guest.state = DomainFlags::none;
    }
    SECTION("it is unbound for long, or its module is not loaded") {
        for (int i = 0; i < 100; ++i) {
            if (i == 5) guest.state = DomainFlags::stale_stats;
            CHECK(guest.tick(0).constraint == Constraint::stale_stats);
        }
        guest.state = DomainFlags::none;
    }
    SECTION("it is unbound and bound again at once") {}
    CHECK(guest.credit() == 0);
    CHECK(guest.steps().empty());
    guest.tick(80 * kMiB);
    guest.tick(180 * kMiB);
    guest.reports = true;
    for (int i = 0; i < 30; ++i) guest.tick(kLent);
    CHECK(guest.credit() == 0);
    CHECK(guest.steps().empty());
    CHECK(guest.bench.controller().lent_bytes() == kLent);
    CHECK(guest.tick(kLent).constraint == Constraint::none);
    if (guest.kind == DomainFlags::none) return;

    SECTION("one that runs out afterwards is credited") {
        guest.used_bytes = kGiB - 150 * kMiB;
        guest.tick(150 * kMiB);
        guest.tick(150 * kMiB);
        CHECK(guest.credit() == kLent - 150 * kMiB);
    }
}

TEST_CASE("a kernel that was started by kexec is seen while it fills its balloon: no OOM") {
    Guest guest(GENERATE(DomainFlags::deflate_on_oom, DomainFlags::none), GENERATE(true, false));
    const std::uint64_t first = GENERATE(1 * kMiB, 120 * kMiB, 250 * kMiB);
    guest.reports = false;
    guest.tick(first);
    guest.tick(first + 4 * kMiB);
    guest.reports = true;
    for (int i = 0; i < 10; ++i) guest.tick(kLent);
    CHECK(guest.credit() == 0);
    CHECK(guest.steps().empty());
    CHECK(guest.bench.controller().lent_bytes() == kLent);
}

TEST_CASE("a whole balloon that an external program gives back is no OOM") {
    Guest guest;
    for (int i = 0; i < 6; ++i) guest.tick(0);
    CHECK(guest.credit() == 0);
    CHECK(guest.bench.controller().lent_bytes() == 0);
    CHECK(guest.tick(0).decided_bytes == 0);
}

// What is set in the hypervisor is to follow what the guest took back, but a guest that has gone on
// since the last observation is asked by that to lend what it needs.
TEST_CASE("the set value follows once the guest takes no more back and has memory to spare") {
    Guest guest;
    guest.used_bytes = kGiB - 200 * kMiB;
    guest.tick(200 * kMiB);
    guest.tick(200 * kMiB);
    CHECK(guest.credit() == 56 * kMiB);
    guest.used_bytes = kGiB - 190 * kMiB;
    guest.tick(190 * kMiB);
    for (int i = 0; i < 10; ++i) guest.tick(190 * kMiB);
    CHECK(guest.credit() == 66 * kMiB);
    CHECK(guest.steps().empty());

    SECTION("a program of it has ended") {
        guest.used_bytes = 300 * kMiB;
        for (int i = 0; i < 6; ++i) guest.tick(190 * kMiB);
    }
    SECTION("or after a minute, since a driver that begins anew goes by it") {
        for (int i = 0; i < 60; ++i) guest.tick(190 * kMiB);
    }
    REQUIRE(guest.steps().size() == 1);
    CHECK(guest.steps()[0].loaned_to_bytes == 190 * kMiB);
}

TEST_CASE("figures of a guest tell whether it is short") {
    CHECK(shortage(kUnknownBytes, kUnknownBytes, kGiB, 0) == Shortage::unknown);
    CHECK(shortage(10 * kMiB, 500 * kMiB, kGiB, 0) == Shortage::yes);
    CHECK(shortage(100 * kMiB, 10 * kMiB, kGiB, 0) == Shortage::no);
    CHECK(shortage(100 * kMiB, kUnknownBytes, kGiB, 90 * kMiB) == Shortage::yes);
    // A guest without MemAvailable: caches may take all that is free.
    CHECK(shortage(kUnknownBytes, 10 * kMiB, kGiB, 0) == Shortage::unknown);
    CHECK(shortage(kUnknownBytes, 100 * kMiB, kGiB, 0) == Shortage::no);
    // A guest of 64 GiB may report more.
    CHECK(shortage(kGiB, kUnknownBytes, 64 * kGiB, 0) == Shortage::yes);
}
