// What a replay starts from, and what it takes for the host's own.
#include "model/domain.h"
#include "tests/unit/recording/reader_fixture.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// One guest of 4 GiB that lends 1 GiB, on a host of 16 GiB that swaps.
struct StartFixture : ReaderFixture {
    StartFixture() {
        host.sums.host_swap_total_bytes = 8 * kGiB;
        host.sums.host_swap_free_bytes = 7 * kGiB;
        host.guest.cache_bytes = 512 * kMiB;
        host.guest.resident_bytes = 2 * kGiB;
        host.decision.min_mem_bytes = kGiB;
        host.decision.oom_freed_bytes = 64 * kMiB;
        host.tell(0, "a", 4 * kGiB, kGiB, kGiB);
        host.decide(0, "a");
        host.tick(0);
    }
};

// A guest of backend mock: no cache, all that is free is usable.
void tell_plain(Teller& host, double at_s, std::uint64_t loaned_bytes, std::uint64_t used_bytes) {
    host.guest.cache_bytes = kUnknownBytes;
    host.guest.unused_bytes = 4 * kGiB - loaned_bytes - used_bytes;
    host.guest.resident_bytes = 4 * kGiB - loaned_bytes;
    host.tell(at_s, "a", 4 * kGiB, loaned_bytes, host.guest.unused_bytes);
}

}  // namespace

TEST_CASE("a replay starts from what guests and host had resident, lent and swapped") {
    StartFixture fixture;
    fixture.host.ticks(1, 10);
    const Recording recording = fixture.read();
    const Workload& workload = recording.workload;
    REQUIRE(workload.vms[0].start);
    CHECK(workload.vms[0].start->loaned_bytes == kGiB);
    CHECK(workload.vms[0].start->resident_bytes == 2 * kGiB);
    CHECK(workload.vms[0].start->cache_bytes == 512 * kMiB);
    CHECK(workload.vms[0].start->oom_credit_bytes == 64 * kMiB);
    // It keeps 1 GiB that is not resident: what the host has swapped out.
    CHECK(workload.vms[0].start->host_swapped_bytes == kGiB);
    CHECK(workload.host_swap_bytes == 8 * kGiB);
    CHECK(workload.vms[0].demand_holds_reserve);
    CHECK_FALSE(workload.vms[0].plain);
    CHECK(workload.tick_s == 1);
}

TEST_CASE("what the host itself uses is what guests do not have, over time") {
    StartFixture fixture;
    fixture.host.ticks(1, 4);
    fixture.host.sums.host_available_bytes = 7 * kGiB;
    fixture.host.ticks(5, 10);
    const Recording recording = fixture.read();
    const Workload& workload = recording.workload;
    CHECK(recording.outcome.host_own_bytes == 6 * kGiB);  // 16 - 8 available - 2 resident
    CHECK(workload.host_bytes == 10 * kGiB);
    REQUIRE(workload.own_series != kNoSeries);
    const auto& points = workload.series[workload.own_series].points;
    REQUIRE(points.size() == 2);
    CHECK(points[0].bytes == 0);
    CHECK(points[1].at_s == 5);
    CHECK(points[1].bytes == static_cast<double>(kGiB));
}

TEST_CASE("a recording without resident memory is read as before") {
    ReaderFixture fixture;
    fixture.host.tell(0, "a", 4 * kGiB, kGiB, kGiB);
    fixture.host.ticks(0, 10);
    REQUIRE(fixture.recorder_->finish());
    fixture.change(
        "PRAGMA user_version=2; ALTER TABLE guests DROP COLUMN resident;"
        "ALTER TABLE ticks DROP COLUMN host_swap_total;"
        "ALTER TABLE ticks DROP COLUMN host_swap_free;");
    const Recording recording = fixture.read();
    REQUIRE(recording.workload.vms[0].start);
    CHECK(recording.workload.vms[0].start->loaned_bytes == kGiB);
    CHECK(recording.workload.vms[0].start->resident_bytes == kUnknownBytes);
    CHECK(recording.workload.own_series == kNoSeries);
    CHECK(recording.workload.host_swap_bytes == kUnknownBytes);
}

TEST_CASE("a guest of backend mock is told by its figures, all of which count") {
    ReaderFixture fixture;
    for (int i = 0; i <= 5; ++i) {
        tell_plain(fixture.host, i + 0.0003 * i, static_cast<std::uint64_t>(i) * 256 * kMiB,
                   kGiB + static_cast<std::uint64_t>(i) * kMiB);
        fixture.host.decision.decided_bytes = 2 * kGiB;
        fixture.host.decide(i + 0.0003 * i, "a");
        fixture.host.tick(i + 0.0003 * i);
    }
    const Recording recording = fixture.read();
    const WorkloadVm& vm = recording.workload.vms[0];
    CHECK(vm.plain);
    CHECK_FALSE(vm.demand_holds_reserve);
    const auto& points = recording.workload.series[vm.series].points;
    REQUIRE(points.size() == 6);
    for (std::size_t i = 0; i < points.size(); ++i) {
        CHECK(points[i].at_s == Approx(i).margin(0.01));
        CHECK(points[i].bytes == static_cast<double>(kGiB + i * kMiB));
    }
    // It was on its way all the time.
    CHECK(static_cast<double>(vm.balloon_bytes_per_s) / kMiB == Approx(256).epsilon(0.001));
    CHECK(int{vm.page_shift} == 16);
    REQUIRE(recording.outcome.decisions.size() == 6);
    CHECK(recording.outcome.decisions[3].at_s == recording.workload.ticks_s[3]);
    CHECK(recording.outcome.decisions[3].host_available_bytes == 8 * kGiB);
}

TEST_CASE("a balloon that nothing held up moves as in traces") {
    StartFixture fixture;
    fixture.host.decision.decided_bytes = 2 * kGiB;
    fixture.host.decide(1, "a");
    fixture.host.tick(1);
    fixture.host.tell(2, "a", 4 * kGiB, 2 * kGiB, 512 * kMiB);
    fixture.host.ticks(2, 5);
    CHECK(fixture.read().workload.vms[0].balloon_bytes_per_s == kGiB);
}
