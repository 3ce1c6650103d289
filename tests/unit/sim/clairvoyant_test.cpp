#include "sim/clairvoyant.h"

#include <catch2/catch.hpp>

#include "workload_fixture.h"

using namespace ballast;
using namespace ballast::test;

namespace {

constexpr Bytes kMega = static_cast<Bytes>(kMiB);
constexpr Bytes kGiga = static_cast<Bytes>(kGiB);
constexpr double kStep_s = 10;

// Runs all of a workload; answers what it cost.
HarmTotals harm(const Workload& workload, Bytes memory, const GuestConstants& constants = {}) {
    HostConstants host_constants;
    host_constants.memory = memory;
    host_constants.swap = memory;
    SimHost host(workload, constants, host_constants);
    DemandReader reader(workload, {});
    Clairvoyant clairvoyant(workload, {}, kStep_s, 300);
    std::vector<Bytes> demand(workload.vms.size());
    std::vector<Bytes> loan(workload.vms.size());
    for (int tick = 0; tick * kStep_s <= workload.length_s; ++tick) {
        reader.read(tick * kStep_s, demand);
        if (tick == 0)
            host.start(demand);
        else
            host.advance(tick * kStep_s, kStep_s, demand);
        clairvoyant.decide(host, loan);
        for (std::size_t row = 0; row < loan.size(); ++row) host.ask(row, loan[row]);
    }
    return host.totals();
}

}  // namespace

TEST_CASE("the clairvoyant harms nobody while all that is needed fits at every time") {
    const std::uint64_t seed = GENERATE(1U, 2U, 3U);
    constexpr std::size_t kMachines = 20;
    const Workload workload = restless(kMachines, 2 * kGiB, 36000, 30, 200 * kMiB, seed);
    // The most that programs, their hot cache and watermarks need within one step: what a guest
    // frees in a step can be lent only after it.
    Bytes most = 0;
    DemandReader reader(workload, {});
    std::vector<Bytes> demand(kMachines);
    std::vector<Bytes> before(kMachines);
    const Bytes watermark = linux_watermark(2 * kGiga);
    for (int tick = 0; tick <= 3600; ++tick) {
        reader.read(tick * kStep_s, demand);
        Bytes needed = 0;
        for (std::size_t vm = 0; vm < kMachines; ++vm) {
            const Bytes need =
                demand[vm] + watermark + hot_cache_wanted(demand[vm], 2 * kGiga, watermark, {});
            needed += std::max(need, before[vm]);
            before[vm] = need;
        }
        most = std::max(most, needed);
    }
    REQUIRE(most < 37 * kGiga);  // of 40: there is something to win
    const HarmTotals totals = harm(workload, most);
    CHECK(totals.guest_stall_s == 0);
    CHECK(totals.host_stall_s == 0);
    CHECK(totals.guest_ooms + totals.host_ooms == 0);
    CHECK(totals.lent_byte_s > 0);
    // A host that has less than is needed has to harm somebody.
    CHECK(harm(workload, most * 3 / 4).host_stall_s > 0);
}

TEST_CASE("the clairvoyant begins early enough with balloons that are slow") {
    // 50 MiB a step; 1 GiB is needed within one.
    Workload workload = machines(1, 2 * kGiB, 2000);
    workload.vms[0].balloon_bytes_per_s = 5 * kMiB;
    workload.series[0].points = {{0, 100e6}, {1000, 100e6}, {1010, 1.1e9}, {2000, 1.1e9}};
    const HarmTotals totals = harm(workload, 4 * kGiga);
    CHECK(totals.guest_ooms == 0);
    CHECK(totals.guest_stall_s == 0);
    CHECK(totals.lent_byte_s > 500.0 * static_cast<double>(kGiga));
}

TEST_CASE("where not all fits, the clairvoyant takes hot cache only if that costs less than swap") {
    Workload workload = machines(2, 2 * kGiB, 1000);
    for (DemandSeries& series : workload.series) series.points = {{0, 1e9}};
    const Bytes memory = 2'100'000'000;  // hot cache would be 200 MB
    const HarmTotals swapped = harm(workload, memory);
    CHECK(swapped.guest_stall_s == 0);
    CHECK(swapped.host_stall_s > 0);
    GuestConstants cheap_cache;
    cheap_cache.guest_fault_us = 10;
    const HarmTotals squeezed = harm(workload, memory, cheap_cache);
    CHECK(squeezed.guest_stall_s > 0);
    CHECK(squeezed.guest_stall_s + squeezed.host_stall_s < swapped.host_stall_s);
    CHECK(swapped.guest_ooms + squeezed.guest_ooms == 0);
}

TEST_CASE("the clairvoyant lends what it can and no more") {
    Workload workload = machines(1, 4 * kGiB, 1000);
    workload.series[0].points = {{0, 1e9}};
    HostConstants host_constants;
    host_constants.memory = 8 * kGiga;
    SimHost host(workload, {}, host_constants);
    host.start(std::vector<Bytes>{1'000'000'000});
    Clairvoyant clairvoyant(workload, {}, kStep_s, 300);
    Bytes loan = 0;
    clairvoyant.decide(host, {&loan, 1});
    const SimGuest& guest = host.guest(0);
    CHECK(loan == guest.capacity() - guest.programs() - guest.hot() - guest.watermark());
    CHECK(loan > 3000 * kMega - guest.watermark());
}
