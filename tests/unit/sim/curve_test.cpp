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

TEST_CASE("a curve's values are bytes that a double can count") {
    const std::uint64_t most = std::uint64_t{1} << 53U;
    const Curve huge{{{0s, 0}, {10s, UINT64_MAX}}, std::nullopt, 100};
    for (int i = 0; i < 100; ++i) CHECK(curve_value(huge, i * 1s, 5) <= most);
    CHECK(curve_value({{{0s, UINT64_MAX}}, std::nullopt, 0}, 0s, 1) == most);
    CHECK(curve_value({{{0s, 0}}, std::nullopt, 100}, 1h, 1) == 0);
}

TEST_CASE("a curve's values between points are exact to the byte for any guest") {
    const std::uint64_t tib = 1024 * kGiB;
    const Curve curve{{{0s, 0}, {8s, 8 * tib}}, std::nullopt, 0};
    for (int i = 0; i <= 8; ++i)
        CHECK(curve_value(curve, i * 1s, 1) == static_cast<std::uint64_t>(i) * tib);
    const Curve falling{{{0s, 8 * tib}, {8s, 0}}, std::nullopt, 0};
    CHECK(curve_value(falling, 6s, 1) == 2 * tib);
}

TEST_CASE("a curve goes on for a century, and before its start it is what it starts with") {
    const Curve daily{{{0s, 100}, {12h, 900}, {24h, 100}}, 24h, 0};
    CHECK(curve_value(daily, 24h * 36525 + 6h, 1) == 500);
    CHECK(curve_value(daily, -1h, 1) == 100);
    const Curve no_period{{{0s, 100}, {10s, 300}}, 0s, 0};  // as if it had none
    CHECK(curve_value(no_period, 1h, 1) == 300);
}

TEST_CASE("the seeded sequence is SplitMix64") {
    // Known answers: a scenario's figures must not change under those who keep its reports.
    CHECK(mix(0) == 0xe220a8397b1dcdafULL);
    CHECK(mix(1) == 0x910a2dec89025cc1ULL);
}
