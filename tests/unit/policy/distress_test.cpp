#include "policy/distress.h"

#include <catch2/catch.hpp>

#include "base/units.h"
#include "model/domain.h"

using namespace ballast;

namespace {

bool is_short(std::uint64_t usable_bytes, double faults_per_s = 0,
              std::uint64_t kept_bytes = kGiB) {
    return in_distress({kept_bytes, usable_bytes, faults_per_s}, {64 * kMiB, 5, 200});
}

}  // namespace

TEST_CASE("a guest is short below both limits") {
    CHECK(is_short(51 * kMiB));  // 5 % of 1 GiB is 51.2 MiB
    CHECK_FALSE(is_short(52 * kMiB));
    CHECK(is_short(63 * kMiB, 0, 64 * kGiB));  // 5 % would be 3.2 GiB
    CHECK_FALSE(is_short(64 * kMiB, 0, 64 * kGiB));
}

TEST_CASE("a guest that faults is short below four times that") {
    CHECK(is_short(200 * kMiB, 200));
    CHECK_FALSE(is_short(200 * kMiB, 199));
    CHECK_FALSE(is_short(210 * kMiB, 10000));
}

TEST_CASE("a guest that tells nothing is not short") {
    CHECK_FALSE(is_short(kUnknownBytes, 1e9));
}

TEST_CASE("limits of zero switch each rule off") {
    CHECK_FALSE(in_distress({kGiB, 0, 1e9}, {0, 5, 200}));
    CHECK_FALSE(in_distress({kGiB, 100 * kMiB, 1e9}, {64 * kMiB, 5, 0}));
    CHECK_FALSE(in_distress({0, 0, 0}, {64 * kMiB, 5, 200}));
}
