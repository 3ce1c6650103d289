#include "policy/lending.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <random>
#include <vector>

#include "base/units.h"
#include "model/domain.h"

using namespace ballast;

namespace {

LenderFigures guest_with(std::uint64_t usable_bytes) {
    return {.total_bytes = 4 * kGiB, .usable_bytes = usable_bytes, .min_mem_bytes = 256 * kMiB};
}

}  // namespace

TEST_CASE("a guest keeps a quarter of what it could use") {
    CHECK(can_lend(guest_with(kGiB)) == 768 * kMiB);
    CHECK(can_lend(guest_with(0)) == 0);
}

TEST_CASE("a guest keeps what it must be able to use") {
    LenderFigures guest = guest_with(kGiB);
    guest.keep_free_bytes = 900 * kMiB;
    CHECK(can_lend(guest) == 124 * kMiB);
    guest.keep_free_bytes = 2 * kGiB;
    CHECK(can_lend(guest) == 0);
}

TEST_CASE("min_mem, the credit and what is lent already bound what can be lent") {
    LenderFigures guest = guest_with(4 * kGiB);
    guest.loaned_bytes = 3 * kGiB;
    CHECK(can_lend(guest) == 768 * kMiB);
    guest.oom_freed_bytes = 512 * kMiB;
    CHECK(can_lend(guest) == 256 * kMiB);
    guest.min_mem_bytes = 8 * kGiB;
    CHECK(can_lend(guest) == 0);
}

TEST_CASE("of a guest that tells nothing nothing can be lent") {
    CHECK(can_lend(guest_with(kUnknownBytes)) == 0);
}

TEST_CASE("a need is met in proportion, and told where it cannot be") {
    std::vector<std::uint64_t> shares(3);
    CHECK(spread(400 * kMiB, std::vector{300 * kMiB, 0 * kMiB, 100 * kMiB}, 4096, shares) == 0);
    CHECK(shares == std::vector{300 * kMiB, 0 * kMiB, 100 * kMiB});
    CHECK(spread(kGiB, std::vector{300 * kMiB, 0 * kMiB, 100 * kMiB}, 4096, shares) == 624 * kMiB);
    CHECK(spread(kGiB, std::vector{0 * kMiB, 0 * kMiB, 0 * kMiB}, 4096, shares) == kGiB);
    CHECK(spread(0, std::vector{kGiB, kGiB, kGiB}, 4096, shares) == 0);
    CHECK(shares == std::vector<std::uint64_t>(3, 0));
}

TEST_CASE(
    "whatever the figures, no share is above what can be lent and the need is met if it can be") {
    std::mt19937_64 random(1);
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::uint64_t> lendable(random() % 8), shares(lendable.size());
        for (auto& bytes : lendable) bytes = random() % (kGiB >> (random() % 20));
        const std::uint64_t need = random() % (4 * kGiB);
        const std::uint64_t left = spread(need, lendable, 4096, shares);
        std::uint64_t given = 0, most = 0;
        for (std::size_t i = 0; i < shares.size(); ++i) {
            REQUIRE(shares[i] <= lendable[i]);
            REQUIRE(shares[i] % 4096 == 0);
            given += shares[i];
            most += lendable[i] & ~std::uint64_t{4095};
        }
        REQUIRE(left == (need > given ? need - given : 0));
        REQUIRE((left == 0 || given == most));
        REQUIRE(given < need + 4096);
    }
}
