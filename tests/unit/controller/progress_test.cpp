#include <catch2/catch.hpp>

#include "base/log.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

// A guest that is to lend 200 MiB and gives no more than `gives_bytes`.
struct Stingy {
    explicit Stingy(std::uint64_t gives, Duration stuck_after = 30s)
        : bench(with(stuck_after)), gives_bytes(gives) {
        bench.backend.capabilities_.asynchronous = true;
        bench.backend.add("g1", kGiB);
    }
    static Settings with(Duration stuck_after) {
        Settings settings = fixed_settings(200 * 1024);
        settings.guests.stuck_after = stuck_after;
        settings.guests.stuck_retry_max = 100s;
        return settings;
    }
    // One second: what was set last is what the guest moves towards, as far as it does.
    Decision tick() {
        const Decision decision = bench.tick()->decisions[0];
        if (!bench.backend.steps.empty()) set_bytes = bench.backend.steps.back().loaned_to_bytes;
        bench.backend.table.loaned_bytes[0] = std::min(set_bytes, gives_bytes);
        churns += set_bytes > gives_bytes ? 1 : 0;
        return decision;
    }
    void run(int seconds) {
        for (int i = 0; i < seconds; ++i) tick();
    }

    Bench bench;
    std::uint64_t gives_bytes;
    std::uint64_t set_bytes = 0;
    int churns = 0;  // seconds that its driver spent looking for memory it does not find
};

}  // namespace

TEST_CASE("a stuck guest's set value is pulled back to what it gave, and it is named") {
    Stingy guest(50 * kMiB);
    guest.run(31);
    CHECK(guest.set_bytes == 200 * kMiB);
    guest.run(3);
    CHECK(guest.set_bytes == 50 * kMiB);
    CHECK(guest.tick().constraint == Constraint::stuck);
}

TEST_CASE("a stuck guest is asked again after ever longer waits, at most stuck_retry_max") {
    Stingy guest(50 * kMiB);
    std::vector<int> asked_at;
    for (int second = 0; second < 600; ++second) {
        const std::uint64_t before = guest.set_bytes;
        guest.tick();
        if (guest.set_bytes > before) asked_at.push_back(second);
    }
    REQUIRE(asked_at.size() >= 5);
    // Each time it gets 30 s to show that it can; then the wait: 30, 60, 100, 100 s.
    const int waits[] = {30, 60, 100, 100};
    for (std::size_t i = 0; i < 4; ++i)
        CHECK(asked_at[i + 1] - asked_at[i] == Approx(30 + waits[i]).margin(4));
}

TEST_CASE("without stuck_after a guest churns for what it does not have, for good") {
    const bool on = GENERATE(true, false);
    Stingy guest(50 * kMiB, on ? Duration(30s) : Duration{0});
    guest.run(600);
    CHECK(guest.churns < (on ? 250 : 601));
    CHECK(guest.churns > (on ? 30 : 590));
}

TEST_CASE("a stuck guest that gives again is forgiven") {
    Stingy guest(50 * kMiB);
    guest.run(40);
    guest.gives_bytes = kGiB;
    guest.run(60);
    CHECK(guest.bench.backend.table.loaned_bytes[0] == 200 * kMiB);
    CHECK(guest.tick().constraint == Constraint::none);
    // And if it sticks once more, its first wait is the short one.
    REQUIRE(guest.bench.controller().set_attribute("g1", "simulate_loan_target_kb", "409600"));
    guest.gives_bytes = 250 * kMiB;
    guest.run(36);
    CHECK(guest.set_bytes == 250 * kMiB);
    guest.run(35);
    CHECK(guest.set_bytes == 400 * kMiB);
}

TEST_CASE("a slow guest is not stuck") {
    Stingy guest(0);
    for (int i = 0; i < 200; ++i) {
        if (i % 20 == 0) guest.gives_bytes += kMiB;
        CHECK(guest.tick().constraint == Constraint::none);
    }
    CHECK(guest.set_bytes == 200 * kMiB);
}

TEST_CASE("a guest that does not take its memory back keeps the offer, and is named") {
    Stingy guest(kGiB);
    guest.run(5);
    REQUIRE(guest.bench.controller().set_attribute("g1", "simulate_loan_target_kb", "0"));
    Decision decision;
    for (int i = 0; i < 50; ++i) {
        decision = guest.bench.tick()->decisions[0];
        // All of it, but for the little that makes a silent driver tell.
        CHECK(guest.bench.backend.steps.back().loaned_to_bytes <= kMiB);
    }
    CHECK(decision.constraint == Constraint::stuck);
    CHECK(decision.decided_bytes == 0);
    CHECK(guest.bench.backend.steps.back().loaned_to_bytes == 0);
}

TEST_CASE("a paused guest is not stuck") {
    Stingy guest(50 * kMiB);
    guest.run(10);
    guest.bench.backend.table.flags[0] = DomainFlags::paused;
    guest.run(100);
    guest.bench.backend.table.flags[0] = DomainFlags::none;
    guest.run(20);
    CHECK(guest.set_bytes == 200 * kMiB);
}

TEST_CASE("a driver that began anew unnoticed reports again when the daemon stops") {
    Stingy guest(kGiB);
    guest.run(5);
    auto& steps = guest.bench.backend.steps;
    auto& loaned_bytes = guest.bench.backend.table.loaned_bytes[0];
    REQUIRE(loaned_bytes > 0);
    // It lends nothing now, and the hypervisor shows the balloon of the driver before it.
    bool stopped = false;
    for (int i = 0; i < 100 && !stopped; ++i) {
        steps.clear();
        stopped = guest.bench.controller().give_everything_back();
        guest.bench.clock.advance(std::chrono::milliseconds(100));
        if (!steps.empty() && steps.back().loaned_to_bytes > 0)
            loaned_bytes = steps.back().loaned_to_bytes;
        else if (!steps.empty() && loaned_bytes <= kMiB)
            loaned_bytes = 0;
    }
    CHECK(stopped);
    CHECK(loaned_bytes == 0);
}
