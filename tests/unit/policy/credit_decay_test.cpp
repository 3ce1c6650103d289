#include "policy/credit_decay.h"

#include <catch2/catch.hpp>

#include "base/units.h"

using namespace ballast;
using namespace std::chrono_literals;

TEST_CASE("half of a credit goes in a half-life, and half of the rest in the next") {
    CHECK(decayed_credit(kGiB, 1h, 1h) == kGiB / 2);
    CHECK(decayed_credit(kGiB, 2h, 1h) == kGiB / 4);
    CHECK(decayed_credit(kGiB, 100h, 1h) == 0);
}

TEST_CASE("a credit never grows, whatever the clock does") {
    CHECK(decayed_credit(kGiB, 0s, 1h) == kGiB);
    CHECK(decayed_credit(kGiB, -5h, 1h) == kGiB);
    CHECK(decayed_credit(UINT64_MAX, 1ns, 24h * 365) == UINT64_MAX);
    CHECK(decayed_credit(1, 1ns, 24h * 365) <= 1);
}
