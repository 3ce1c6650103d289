#include <catch2/catch.hpp>

#include "base/log.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

Settings lending(std::uint64_t surge_below_bytes = 64 * kMiB) {
    Settings settings = fixed_settings(512 * 1024);
    settings.guests.surge_below_bytes = surge_below_bytes;
    settings.guests.surge_backoff = 60s;
    return settings;
}

// A guest of 1 GiB that is to lend half of it.
struct Lender {
    explicit Lender(const Settings& settings = lending()) : bench(settings) {
        bench.backend.add("g1", kGiB);
        usable(900 * kMiB);
        bench.tick();
        REQUIRE(loaned() == 512 * kMiB);
        usable(300 * kMiB);
    }
    void usable(std::uint64_t bytes) { bench.backend.table.usable_bytes[0] = bytes; }
    std::uint64_t loaned() const { return bench.backend.table.loaned_bytes[0]; }
    int seconds_until_lent_again() {
        usable(900 * kMiB);
        int seconds = 0;
        while (loaned() == 0 && seconds < 10000) {
            bench.tick();
            ++seconds;
        }
        return seconds;
    }
    Bench bench;
};

}  // namespace

TEST_CASE("a guest that runs short has everything back in one tick and is told why") {
    Lender guest;
    guest.usable(10 * kMiB);
    CHECK(guest.bench.tick()->decisions[0].constraint == Constraint::surge);
    CHECK(guest.loaned() == 0);
}

TEST_CASE("without the surge rule a guest that runs short goes on lending") {
    Lender guest(lending(0));
    guest.usable(0);
    for (int i = 0; i < 100; ++i) guest.bench.tick();
    CHECK(guest.loaned() == 512 * kMiB);
}

TEST_CASE("after a surge a guest is left alone, twice as long if it runs short soon again") {
    Lender guest;
    for (const int expected : {60, 120, 240}) {
        guest.usable(10 * kMiB);
        guest.bench.tick();
        REQUIRE(guest.loaned() == 0);
        CHECK(guest.seconds_until_lent_again() == expected);
    }
    for (int i = 0; i < 241; ++i) guest.bench.tick();
    guest.usable(10 * kMiB);
    guest.bench.tick();
    CHECK(guest.seconds_until_lent_again() == 60);
}

TEST_CASE("a surge gives back no more than was lent since the domain came") {
    Settings settings = lending();
    Bench bench(settings);
    bench.backend.add("g1", kGiB, 100 * kMiB);
    bench.tick();
    bench.backend.table.usable_bytes[0] = kMiB;
    bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == 100 * kMiB);
}

TEST_CASE("a guest in distress is served before others, and from the host's reserve") {
    Settings settings = lending();
    settings.host.reserve_bytes = kGiB;
    Bench bench(settings);
    for (const char* name : {"greedy", "short"}) bench.backend.add(name, kGiB);
    bench.backend.host.available_bytes = 2 * kGiB;
    bench.tick();
    bench.backend.steps.clear();
    bench.backend.host.available_bytes = kGiB;  // the reserve is all there is
    REQUIRE(bench.controller().set_attribute("greedy", "simulate_loan_target_kb", "0"));
    bench.backend.table.usable_bytes[1] = kMiB;
    const auto snapshot = bench.tick();
    REQUIRE(bench.backend.steps.size() == 1);
    CHECK(bench.backend.steps[0].row == 1);
    CHECK(snapshot->decisions[0].constraint == Constraint::host_floor);
    CHECK(snapshot->decisions[1].constraint == Constraint::surge);
}

TEST_CASE("statistics that are not to be believed are no sign of distress") {
    Lender guest;
    guest.bench.backend.table.flags[0] = GENERATE(DomainFlags::stale_stats, DomainFlags::bad_stats);
    guest.usable(0);
    guest.bench.tick();
    CHECK(guest.loaned() == 512 * kMiB);
}

TEST_CASE("a guest that faults a lot is short earlier") {
    Lender guest;
    const int faults_a_second = GENERATE(0, 100, 300);
    guest.usable(60 * kMiB);  // more than 10 % of the 512 MiB it keeps, less than four times that
    guest.bench.backend.table.major_faults[0] = 1000;
    for (int i = 0; i < 3; ++i) {
        guest.bench.tick();
        guest.bench.backend.table.major_faults[0] += static_cast<std::uint64_t>(faults_a_second);
    }
    CHECK((guest.loaned() == 0) == (faults_a_second == 300));
}

TEST_CASE("after a surge not even what the domain came with is asked for again") {
    Bench bench(lending());
    bench.backend.add("g1", kGiB, 100 * kMiB);
    bench.tick();
    bench.backend.table.usable_bytes[0] = kMiB;
    bench.tick();
    bench.backend.table.loaned_bytes[0] = 20 * kMiB;  // it took more
    bench.backend.table.usable_bytes[0] = 300 * kMiB;
    bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == 20 * kMiB);
}

TEST_CASE("a stuck guest that runs short is served as any other") {
    Settings settings = lending();
    settings.guests.stuck_after = 10s;
    Bench bench(settings);
    bench.backend.capabilities_.asynchronous = true;
    bench.backend.add("g1", kGiB);
    bench.backend.table.usable_bytes[0] = 300 * kMiB;
    bench.tick();
    bench.backend.table.loaned_bytes[0] = 200 * kMiB;
    for (int i = 0; i < 15; ++i) bench.tick();
    REQUIRE(bench.tick()->decisions[0].constraint == Constraint::stuck);
    bench.backend.table.usable_bytes[0] = kMiB;
    const auto snapshot = bench.tick();
    CHECK(snapshot->decisions[0].constraint == Constraint::surge);
    CHECK(bench.backend.steps.back().loaned_to_bytes == 0);
}

TEST_CASE("a guest in distress whose memory goes back anyway is served first, reserve or not") {
    Settings settings = lending();
    settings.host.reserve_bytes = kGiB;
    Bench bench(settings);
    bench.backend.add("g1", kGiB);
    bench.backend.table.usable_bytes[0] = 900 * kMiB;
    bench.backend.host.available_bytes = kGiB;
    bench.tick();
    bench.backend.table.usable_bytes[0] = 300 * kMiB;
    REQUIRE(bench.backend.table.loaned_bytes[0] == 512 * kMiB);
    const bool disabled = GENERATE(false, true);
    if (disabled)
        bench.backend.answer = [](const Step& step) {
            return StepOutcome{StepStatus::refused, step.loaned_from_bytes, Constraint::stuck, ""};
        };
    if (disabled)
        REQUIRE(bench.controller().disable("g1", true));
    else
        REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "0"));
    bench.backend.answer = nullptr;
    CHECK(bench.tick()->decisions[0].constraint == Constraint::host_floor);
    bench.backend.table.usable_bytes[0] = kMiB;
    CHECK(bench.tick()->decisions[0].constraint == Constraint::surge);
    CHECK(bench.backend.table.loaned_bytes[0] == 0);
}
