#include "sim/curve.h"

#include <catch2/catch.hpp>

#include "base/units.h"

using namespace ballast;
using namespace std::chrono_literals;

TEST_CASE("a curve without points is 0 everywhere") {
    CHECK(curve_value({}, 0s, 1) == 0);
    CHECK(curve_value({{}, 10s, 50}, 1h, 1) == 0);
}

TEST_CASE("a curve is constant before its first and after its last point, and linear between") {
    const Curve curve{{{10s, 100}, {20s, 300}}, std::nullopt, 0};
    CHECK(curve_value(curve, 0s, 1) == 100);
    CHECK(curve_value(curve, 10s, 1) == 100);
    CHECK(curve_value(curve, 15s, 1) == 200);
    CHECK(curve_value(curve, 20s, 1) == 300);
    CHECK(curve_value(curve, 24h, 1) == 300);
}

TEST_CASE("two points at one time make a step") {
    const Curve curve{{{0s, 100}, {10s, 100}, {10s, 500}, {20s, 500}}, std::nullopt, 0};
    CHECK(curve_value(curve, 10s - 1ns, 1) < 101);
    CHECK(curve_value(curve, 10s, 1) == 500);
}

TEST_CASE("a period makes the curve repeat") {
    const Curve curve{{{0s, 0}, {10s, 1000}}, 10s, 0};
    for (const Duration at : {0s, 3s, 9s})
        CHECK(curve_value(curve, at, 1) == curve_value(curve, at + 5 * 10s, 1));
    CHECK(curve_value(curve, 13s, 1) == 300);
}

TEST_CASE("jitter stays within its share, depends on seed and time alone, and does vary") {
    const Curve curve{{{0s, kGiB}}, std::nullopt, 10};
    bool varies = false;
    for (int i = 0; i < 1000; ++i) {
        const Duration at = i * 10s;
        const std::uint64_t value = curve_value(curve, at, 7);
        CHECK(value >= kGiB - kGiB / 10);
        CHECK(value <= kGiB + kGiB / 10);
        CHECK(value == curve_value(curve, at, 7));
        varies |= value != curve_value(curve, at + 10s, 7);
    }
    CHECK(varies);
    CHECK(curve_value(curve, 0s, 7) != curve_value(curve, 0s, 8));
    // However often it is read: it holds for a while.
    CHECK(curve_value(curve, 1s, 7) == curve_value(curve, 2s, 7));
}

TEST_CASE("jitter of all of a value never makes it negative") {
    const Curve curve{{{0s, kMiB}}, std::nullopt, 100};
    for (int i = 0; i < 1000; ++i) CHECK(curve_value(curve, i * 10s, 3) <= 2 * kMiB);
}

TEST_CASE("a pattern is a name, a glob, or nothing for all") {
    CHECK(matches_domain("", "g1"));
    CHECK(matches_domain("g1", "g1"));
    CHECK_FALSE(matches_domain("g1", "g10"));
    CHECK(matches_domain("g?", "g1"));
    CHECK(matches_domain("db-*", "db-"));
    CHECK_FALSE(matches_domain("db-*", "xdb-1"));
}
