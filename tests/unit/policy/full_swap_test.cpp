// Hosts whose swap is full, or memory itself (zram, zswap), while memory is available.
#include <catch2/catch.hpp>

#include "base/units.h"
#include "policy/ballast_policy.h"
#include "small_host.h"

using namespace ballast;

namespace {

// Tasks of the host wait for memory for 0.4 % of the time, as some do for swap in memory.
struct SwappingHost {
    SwappingHost(std::uint64_t swap_used, std::uint64_t available, bool tasks_wait = true)
        : host(24 * kGiB, std::vector<SmallGuest>(4)) {
        host.seen.host.swap_total_bytes = 24 * kGiB;
        host.seen.host.swap_free_bytes = 24 * kGiB - swap_used;
        host.seen.host.memory_stall_us = 0;
        fixed_available = available;
        waits = tasks_wait;
    }
    void run(int seconds) {
        for (int i = 0; i < seconds; ++i) {
            // What guests give is available then.
            std::uint64_t lent = 0;
            for (std::size_t row = 0; row < 4; ++row) lent += host.seen.domains.loaned_bytes[row];
            host.seen.host.available_bytes = fixed_available + lent;
            // Not in every second.
            if (waits && second++ % 3 != 0) host.seen.host.memory_stall_us += 6000;
            host.tick(policy);
            for (const std::int64_t request : host.requests)
                moved += static_cast<std::uint64_t>(request < 0 ? -request : request);
        }
    }
    std::uint64_t lent() const {
        std::uint64_t all = 0;
        for (std::size_t row = 0; row < 4; ++row) all += host.seen.domains.loaned_bytes[row];
        return all;
    }

    SmallHost host;
    BallastPolicy policy{BallastSettings{}};
    std::uint64_t fixed_available = 0;
    std::uint64_t moved = 0;
    int second = 0;
    bool waits = true;
};

}  // namespace

TEST_CASE("full swap moves nothing while plenty of memory is available") {
    for (const std::uint64_t swapped : {12 * kGiB, 24 * kGiB}) {
        SwappingHost host(swapped, 10 * kGiB);
        host.run(300);
        INFO(swapped);
        CHECK(host.moved == 0);
    }
}

TEST_CASE("with full swap a constant load comes to rest, however much is available") {
    for (std::uint64_t available = 0; available <= 4 * kGiB; available += 256 * kMiB) {
        SwappingHost host(12 * kGiB, available);
        host.run(600);
        host.moved = 0;
        host.run(600);
        INFO(available);
        CHECK(host.moved == 0);
    }
}

TEST_CASE("what is in the swap is missing while somebody waits and little is available") {
    // Enough by itself (2 % of 24 GiB), but not for what is to come back.
    SwappingHost waiting(4 * kGiB, 600 * kMiB);
    waiting.run(60);
    SwappingHost calm(4 * kGiB, 600 * kMiB, false);
    calm.run(60);
    CHECK(waiting.lent() > 600 * kMiB);
    CHECK(calm.lent() < waiting.lent());
}
