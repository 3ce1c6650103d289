// When a guest runs short, for how long it is left alone, and what its faults count for.
#include "controller/surge.h"

#include <catch2/catch.hpp>

#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

// A guest of 1 GiB that lends 512 MiB, and is short below 50 MiB.
struct Guest {
    Guest() {
        seen.domains.resize(1);
        seen.domains.total_bytes[0] = kGiB;
        seen.domains.loaned_bytes[0] = 512 * kMiB;
        seen.domains.usable_bytes[0] = kMiB;
    }
    bool surges_at(Time now) { return surges(seen, 0, now, rules, control); }

    Observation seen;
    DomainControl control;
    SurgeRules rules{.limits = {.below_bytes = 50 * kMiB, .below_percent = 10, .faults_per_s = 100},
                     .backoff = 60s};
};

constexpr Time kNow{std::chrono::hours(1000)};

}  // namespace

TEST_CASE("a guest that lends no more than it came with has nothing to be given") {
    const std::uint64_t original = GENERATE(511 * kMiB, 512 * kMiB, 513 * kMiB);
    Guest guest;
    guest.control.original_loaned_bytes = original;
    CHECK(guest.surges_at(kNow) == (original < 512 * kMiB));
    // Nor is it left alone for a shortage that Ballast can do nothing about.
    CHECK((guest.control.surge.until > kNow) == (original < 512 * kMiB));
}

TEST_CASE("a surge lasts for its wait, also where the figures are better or doubtful by then") {
    Guest guest;
    REQUIRE(guest.surges_at(kNow));
    guest.seen.domains.usable_bytes[0] = 400 * kMiB;
    guest.seen.domains.flags[0] = DomainFlags::stale_stats;
    CHECK(guest.surges_at(kNow + 60s - 1ns));
    CHECK_FALSE(guest.surges_at(kNow + 60s));
}

TEST_CASE("the wait doubles each time a guest runs short again at once, 32 times at most") {
    Guest guest;
    Time now = kNow;
    for (int wait = 60; wait <= 60 * 32; wait *= 2) {
        REQUIRE(guest.surges_at(now));
        CHECK(guest.control.surge.wait == std::chrono::seconds(wait));
        now = guest.control.surge.until;
    }
    for (int i = 0; i < 3; ++i) {
        REQUIRE(guest.surges_at(now));
        CHECK(guest.control.surge.wait == 32 * 60s);
        now = guest.control.surge.until;
    }
}

TEST_CASE(
    "after it did well for as long as it was left alone, a guest's next wait is short again") {
    const bool well = GENERATE(false, true);
    Guest guest;
    REQUIRE(guest.surges_at(kNow));
    REQUIRE(guest.surges_at(guest.control.surge.until));
    REQUIRE(guest.control.surge.wait == 120s);
    const Time again = guest.control.surge.until + (well ? 120s : 120s - 1ns);
    REQUIRE(guest.surges_at(again));
    CHECK(guest.control.surge.wait == (well ? 60s : 240s));
}

TEST_CASE("figures that are not to be believed start no surge; late ones may") {
    const auto [flag, doubtful] = GENERATE(table<DomainFlags, bool>({
        {DomainFlags::stale_stats, true},
        {DomainFlags::bad_stats, true},
        {DomainFlags::late_stats, false},
        {DomainFlags::none, false},
    }));
    Guest guest;
    guest.seen.domains.flags[0] = flag;
    CHECK(guest.surges_at(kNow) != doubtful);
}

TEST_CASE("faults count for the ten seconds after they were last seen to rise") {
    Surge surge;
    follow_faults(surge, 1000, kNow);
    CHECK(surge.faults_per_s == 0);  // since when is not known
    follow_faults(surge, 1500, kNow + 2s);
    CHECK(surge.faults_per_s == 250);
    follow_faults(surge, 1500, kNow + 12s);
    CHECK(surge.faults_per_s == 250);  // a guest tells once a period
    follow_faults(surge, 1500, kNow + 12s + 1ns);
    CHECK(surge.faults_per_s == 0);
}

// The harm where faults of long ago still count: it is taken for short at four times the limit.
TEST_CASE("a guest whose faults ended long ago is not short at four times the limit") {
    const bool ended = GENERATE(false, true);
    Guest guest;
    guest.seen.domains.usable_bytes[0] = 150 * kMiB;
    follow_faults(guest.control.surge, 1000, kNow);
    follow_faults(guest.control.surge, 2000, kNow + 1s);
    const Time later = kNow + (ended ? 20s : 2s);
    follow_faults(guest.control.surge, 2000, later);
    CHECK(guest.surges_at(later) == !ended);
}

TEST_CASE("a count of faults that falls, appears or goes away is no rate") {
    Surge surge;
    follow_faults(surge, 1000, kNow);
    follow_faults(surge, 2000, kNow + 1s);
    REQUIRE(surge.faults_per_s > 0);
    SECTION("it falls") {
        follow_faults(surge, 10, kNow + 2s);
    }
    SECTION("it is told no more") {
        follow_faults(surge, kUnknownBytes, kNow + 2s);
    }
    SECTION("it is told again") {
        follow_faults(surge, kUnknownBytes, kNow + 2s);
        follow_faults(surge, 5000, kNow + 3s);
    }
    SECTION("no time has passed") {
        follow_faults(surge, 5000, kNow + 1s);
    }
    CHECK(surge.faults_per_s == 0);
}
