// Guests whose demand is known are recorded, and what the recording says of it is held against it.
#include "recording/recording_reader.h"
#include "sim/demand.h"
#include "sim/host_model.h"
#include "tests/unit/recording/recording_fixture.h"
#include "tests/unit/sim/workload_fixture.h"

using namespace ballast;
using namespace ballast::test;

namespace {

constexpr double kTick_s = 10;

// What a daemon would tell of the simulated host.
void tell(Teller& teller, double at_s, const Observation& seen) {
    teller.sums.total_bytes = teller.sums.loaned_bytes = 0;
    for (std::size_t row = 0; row < seen.domains.size(); ++row) {
        teller.sums.total_bytes += seen.domains.total_bytes[row];
        teller.sums.loaned_bytes += seen.domains.loaned_bytes[row];
        teller.guest.unused_bytes = seen.domains.unused_bytes[row];
        teller.guest.cache_bytes = seen.domains.cache_bytes[row];
        teller.guest.major_faults = seen.domains.major_faults[row];
        teller.tell(at_s, seen.domains.name[row].c_str(), seen.domains.total_bytes[row],
                    seen.domains.loaned_bytes[row], seen.domains.usable_bytes[row]);
    }
    teller.sums.host_total_bytes = seen.host.total_bytes;
    teller.sums.host_available_bytes = seen.host.available_bytes;
    teller.tick(at_s);
}

}  // namespace

TEST_CASE("a recording tells what programs used, whatever was lent meanwhile") {
    constexpr std::uint64_t kCapacity = 4 * kGiB;
    const Workload truth = restless(3, kCapacity, 7200, 600, kGiB / 2, 11);
    GuestConstants guest;
    guest.hot_cache_share = 0;  // what is missed of it is no demand of programs
    SimHost host(truth, guest, {.memory = 16 * kGiB, .swap = 0});
    DemandReader reader(truth, {});
    std::vector<Bytes> demand(truth.vms.size());
    RecordingFixture fixture;
    auto recorder = fixture.recorder();
    Teller teller(*recorder);
    Observation seen;
    for (double at_s = 0; at_s <= truth.length_s; at_s += kTick_s) {
        reader.read(at_s, demand);
        at_s == 0 ? host.start(demand) : host.advance(at_s, kTick_s, demand);
        host.observe(seen);
        tell(teller, at_s, seen);
        // Half an hour with loans, half an hour without; nobody is driven out of memory.
        const bool lends = static_cast<int>(at_s / 1800) % 2 == 0;
        for (std::size_t row = 0; row < host.rows().size(); ++row)
            host.ask(row, lends ? static_cast<Bytes>(seen.domains.usable_bytes[row] / 2) : 0);
    }
    REQUIRE(recorder->finish());
    const auto recording = read_recording(fixture.path);
    REQUIRE(recording);
    CHECK(recording->notes.empty());
    CHECK(recording->workload.host_bytes == 16 * kGiB);
    REQUIRE(recording->workload.vms.size() == truth.vms.size());

    DemandReader real(truth, {});
    DemandReader read(recording->workload, {});
    std::vector<Bytes> recorded(truth.vms.size());
    double worst_below = 0;
    double worst_above = 0;
    for (double at_s = 0; at_s <= truth.length_s; at_s += kTick_s) {
        real.read(at_s, demand);
        read.read(at_s, recorded);
        for (std::size_t vm = 0; vm < demand.size(); ++vm) {
            const double over = static_cast<double>(recorded[vm] - demand[vm]) / kCapacity;
            worst_below = std::max(worst_below, -over);
            worst_above = std::max(worst_above, over);
        }
    }
    INFO("below " << worst_below << ", above " << worst_above);
    // Never too little; at most what Linux keeps free, twice.
    CHECK(worst_below < 0.0001);
    CHECK(worst_above < 0.02);
}
