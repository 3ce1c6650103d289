// The reserve of a host whose operator set none.
#include "controller/host_reserve.h"

#include <catch2/catch.hpp>

#include "base/log.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

namespace {

std::uint64_t automatic(std::uint64_t total_bytes) {
    HostState host;
    host.total_bytes = total_bytes;
    return reserve_of(host, {.reserve_bytes = 7, .automatic_reserve = true});
}

// A host with one guest that uses little of its memory.
struct SmallHost {
    explicit SmallHost(bool automatic_reserve) {
        bench.settings.policy.name = "ballast";
        bench.settings.cmm.min_mem_mb = 64;
        bench.settings.host.automatic_reserve = automatic_reserve;
        bench.backend.capabilities_.asynchronous = false;
        bench.backend.add("idle", 4 * kGiB);
    }
    // What the guest lends after that many seconds on a host of `total` with `available`.
    std::uint64_t lent_after(int seconds, std::uint64_t total, std::uint64_t available) {
        bench.backend.host.total_bytes = total;
        bench.backend.host.available_bytes = available;
        for (int i = 0; i < seconds; ++i) {
            DomainTable& table = bench.backend.table;
            table.usable_bytes[0] = 3584 * kMiB - table.loaned_bytes[0];
            table.unused_bytes[0] = table.usable_bytes[0];
            bench.tick();
        }
        return bench.backend.table.loaned_bytes[0];
    }
    const log::Redirect quiet{[](log::Level, std::string_view) {}};
    Bench bench;
};

}  // namespace

TEST_CASE("an eighth of the host, and no more than 2 GiB, is its reserve unless one is set") {
    CHECK(automatic(8 * kGiB) == kGiB);
    CHECK(automatic(16 * kGiB) == 2 * kGiB);
    CHECK(automatic(kUnknownBytes - 1) == 2 * kGiB);
    CHECK(automatic(kUnknownBytes) == 0);
    HostState host;
    host.total_bytes = 8 * kGiB;
    CHECK(reserve_of(host, {.reserve_bytes = 7}) == 7);
    CHECK(reserve_of(host, {}) == 0);
}

TEST_CASE("a small host asks guests for memory before it has next to none; else it does not") {
    CHECK(SmallHost(true).lent_after(30, 8 * kGiB, kGiB) > 100 * kMiB);
    CHECK(SmallHost(false).lent_after(30, 8 * kGiB, kGiB) == 0);
    // Sizes of hosts whose memory is mostly in huge pages are as small.
    CHECK(SmallHost(true).lent_after(30, 2 * kGiB, 256 * kMiB) > 20 * kMiB);
}

TEST_CASE("once a small host has plenty, everything comes back") {
    SmallHost host(true);
    REQUIRE(host.lent_after(30, 8 * kGiB, kGiB) > 100 * kMiB);
    CHECK(host.lent_after(300, 8 * kGiB, 7680 * kMiB) == 0);
}

TEST_CASE("a reservation leaves the automatic reserve free as well") {
    SmallHost host(true);
    host.lent_after(1, 8 * kGiB, 7 * kGiB);
    CHECK(host.bench.controller().reserve(7 * kGiB, "", std::chrono::minutes(1)));
    CHECK_FALSE(host.bench.controller().reserve(kGiB, "", std::chrono::minutes(1)));
}

TEST_CASE("an operator who has everything given back leaves the automatic reserve free") {
    const bool automatic_reserve = GENERATE(true, false);
    SmallHost host(automatic_reserve);
    host.bench.settings.policy.name = "fixed";
    host.bench.settings.cmm.simulate_loan_target_kb = 1024 * 1024;
    REQUIRE(host.lent_after(3, 8 * kGiB, kGiB + 100 * kMiB) == kGiB);
    REQUIRE(host.bench.controller().release(""));
    // 100 MiB are beside the reserve of 1 GiB.
    CHECK(host.bench.backend.table.loaned_bytes[0] == (automatic_reserve ? 924 * kMiB : 0));
    const auto snapshot = host.bench.tick();
    CHECK(snapshot->reserve_bytes == (automatic_reserve ? kGiB : 0));
}
