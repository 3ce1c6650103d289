// Guests that go on as they were seen, and scripted ones.
#include <catch2/catch.hpp>

#include "sim/host_model.h"
#include "tests/unit/sim/workload_fixture.h"

using namespace ballast;
using namespace ballast::test;

namespace {

constexpr Bytes kGiga = static_cast<Bytes>(kGiB);
constexpr Bytes kMega = static_cast<Bytes>(kMiB);

WorkloadVm seen_machine() {
    WorkloadVm vm;
    vm.name = "seen";
    vm.capacity_bytes = 4 * kGiB;
    vm.demand_holds_reserve = true;
    WorkloadStart& start = vm.start.emplace();
    start.loaned_bytes = kGiB;
    start.resident_bytes = 2 * kGiB;
    start.host_swapped_bytes = 512 * kMiB;
    start.cache_bytes = 600 * kMiB;
    return vm;
}

WorkloadVm plain_machine() {
    WorkloadVm vm;
    vm.capacity_bytes = 4 * kGiB;
    vm.plain = true;
    vm.page_shift = 16;
    vm.balloon_bytes_per_s = kGiB;
    return vm;
}

}  // namespace

TEST_CASE("a guest goes on with what it lent, cached, and had in the host's memory and swap") {
    const WorkloadVm vm = seen_machine();
    const GuestConstants constants;
    SimGuest guest(vm, constants);
    guest.resume(*vm.start, kGiga, constants);
    CHECK(guest.loaned() == kGiga);
    CHECK(guest.hot() + guest.cold() == 600 * kMega);
    CHECK(guest.touched() == 2 * kGiga + 512 * kMega);
    CHECK(guest.host_resident() == 2 * kGiga);
    CHECK(guest.host_swapped() == 512 * kMega);
    // What it could use is what was told of it: its demand was read off as the rest.
    CHECK(guest.usable() == guest.kept() - kGiga);
    static_cast<void>(guest.live(kGiga, 1, constants));
    CHECK(std::abs(guest.usable() - (guest.kept() - kGiga)) < kMega);
}

TEST_CASE("what does not go together is cut to fit") {
    WorkloadVm vm = seen_machine();
    vm.start->loaned_bytes = 3 * kGiB;
    vm.start->resident_bytes = 64 * kGiB;
    vm.start->cache_bytes = 64 * kGiB;
    const GuestConstants constants;
    SimGuest guest(vm, constants);
    guest.resume(*vm.start, 2 * kGiga, constants);
    CHECK(guest.kept() == kGiga);
    CHECK(guest.free() >= 0);
    CHECK(guest.host_resident() <= guest.kept());
    CHECK(guest.host_swapped() == 0);
}

TEST_CASE("only machines that are there at the start go on as they were seen") {
    Workload workload = machines(1, 4 * kGiB, 100);
    workload.vms[0] = seen_machine();
    const HostConstants constants{8 * kGiga, 0, 8 * kGiga, 60};
    const std::vector<Bytes> demand{kGiga};
    SimHost there(workload, {}, constants);
    there.start(demand);
    CHECK(there.guest(0).loaned() == kGiga);
    workload.changes[0].at_s = 10;
    SimHost later(workload, {}, constants);
    later.start(demand);
    later.advance(10, 10, demand);
    REQUIRE(later.rows().size() == 1);
    CHECK(later.guest(0).loaned() == 0);
}

TEST_CASE(
    "a scripted guest has what its programs do not use free, and the host holds all it keeps") {
    const GuestConstants constants;
    SimGuest guest(plain_machine(), constants);
    guest.boot(kGiga, constants);
    CHECK(guest.usable() == 3 * kGiga);
    CHECK(guest.host_resident() == 4 * kGiga);
    CHECK(guest.move_balloon(3 * kGiga, 0, 2.5, constants) == 2 * kGiga + 512 * kMega);
    CHECK(guest.host_resident() == kGiga + 512 * kMega);
    const GuestHarm harm = guest.live(kGiga + 600 * kMega + 1, 1, constants);
    CHECK(harm.out_of_memory);
    CHECK(harm.taken_back == 88 * kMega + 65536);  // whole pages of 64 KiB
    CHECK(guest.taken_back() == harm.taken_back);
    CHECK(harm.guest_stall_s + harm.host_stall_s == 0);
}

TEST_CASE("a host of scripted guests neither swaps nor kills, however little it has") {
    Workload workload = machines(3, 4 * kGiB, 100);
    for (WorkloadVm& vm : workload.vms) vm.plain = true;
    SimHost host(workload, {}, {5 * kGiga, 0, 0, 60});
    const std::vector<Bytes> demand(3, kGiga);
    host.start(demand);
    host.advance(10, 10, demand);
    CHECK(host.available() == 0);
    CHECK(host.swapped() == 0);
    CHECK(host.totals().host_ooms == 0);
    for (std::size_t row = 0; row < 3; ++row) host.ask(row, 3 * kGiga);
    host.advance(20, 10, demand);
    CHECK(host.available() == 2 * kGiga);
    // One that is not makes it a host as others are.
    workload.vms[0].plain = false;
    SimHost other(workload, {}, {5 * kGiga, 0, 0, 60});
    other.start(demand);
    CHECK(other.totals().host_ooms > 0);
}

TEST_CASE("a balloon of a scripted guest moves whole pages, and less than one not at all") {
    WorkloadVm vm = plain_machine();
    vm.balloon_bytes_per_s = kMiB;
    const GuestConstants constants;
    SimGuest guest(vm, constants);
    guest.boot(0, constants);
    CHECK(guest.move_balloon(kGiga, 0, 0.01, constants) == 0);
    CHECK(guest.move_balloon(kGiga, 0, 0.1, constants) == 65536);
    CHECK(guest.move_balloon(0, 0, 0.01, constants) == 0);
    CHECK(guest.loaned() == 65536);
}

TEST_CASE("after it ran out of memory a guest's balloon stays until it is asked for anew") {
    Workload workload = machines(1, 4 * kGiB, 100);
    SimHost host(workload, {}, {8 * kGiga, 0, 8 * kGiga, 60});
    host.start(std::vector<Bytes>{kGiga});
    host.ask(0, 2 * kGiga);
    host.advance(10, 10, std::vector<Bytes>{kGiga});
    REQUIRE(host.guest(0).loaned() == 2 * kGiga);
    host.advance(20, 10, std::vector<Bytes>{3 * kGiga});
    const Bytes left = host.guest(0).loaned();
    REQUIRE(left < 2 * kGiga);
    CHECK(host.asked(0) == left);
    host.advance(30, 10, std::vector<Bytes>{kGiga});
    CHECK(host.guest(0).loaned() == left);
    host.ask(0, 2 * kGiga);
    host.advance(40, 10, std::vector<Bytes>{kGiga});
    CHECK(host.guest(0).loaned() == 2 * kGiga);
}
