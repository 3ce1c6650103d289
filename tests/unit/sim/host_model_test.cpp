#include "sim/host_model.h"

#include <catch2/catch.hpp>
#include <limits>

#include "sim/demand.h"
#include "workload_fixture.h"

using namespace ballast;
using namespace ballast::test;

namespace {

constexpr Bytes kMega = static_cast<Bytes>(kMiB);
constexpr Bytes kGiga = static_cast<Bytes>(kGiB);
constexpr double kStep_s = 10;

GuestConstants quiet() {
    GuestConstants constants;
    constants.cache_fill_s = std::numeric_limits<double>::infinity();
    constants.hot_cache_share = 0;
    return constants;
}

HostConstants host_of(Bytes memory, Bytes swap = 100 * kGiga) {
    HostConstants constants;
    constants.memory = memory;
    constants.swap = swap;
    return constants;
}

void check_books(const SimHost& host) {
    Bytes resident = 0;
    Bytes swapped = 0;
    for (const std::size_t vm : host.rows()) {
        resident += host.guest(vm).host_resident();
        swapped += host.guest(vm).host_swapped();
    }
    CHECK(host.resident() == resident);
    CHECK(host.swapped() == swapped);
    CHECK(resident + host.constants().own <= host.constants().memory);
    CHECK(swapped <= host.constants().swap);
    CHECK(host.available() == host.constants().memory - host.constants().own - resident);
}

}  // namespace

TEST_CASE(
    "host memory is accounted for to the byte: guests, the host's own, and what is available") {
    const Bytes swap = GENERATE(Bytes{0}, 2 * kGiga, 100 * kGiga);
    const Workload workload = restless(8, 2 * kGiB, 20000, 50, 100 * kMiB, 3);
    GuestConstants constants;
    constants.cache_fill_s = 900;
    HostConstants host_constants = host_of(7 * kGiga, swap);
    host_constants.own = 300 * kMega;
    SimHost host(workload, constants, host_constants);
    DemandReader reader(workload, {});
    std::vector<Bytes> demand(8);
    reader.read(0, demand);
    host.start(demand);
    check_books(host);
    std::uint64_t random = 5;
    for (int tick = 1; tick <= 2000; ++tick) {
        reader.read(tick * kStep_s, demand);
        for (std::size_t row = 0; row < 8; ++row) {
            random = mix(random);
            if (random % 5 == 0) host.ask(row, static_cast<Bytes>(random % (3 * kGiB)));
        }
        host.advance(tick * kStep_s, kStep_s, demand);
        check_books(host);
    }
    CHECK((host.totals().host_ooms > 0) == (swap < 10 * kGiga));
    CHECK(host.totals().guest_s == 8 * 20000);
    CHECK(host.totals().moved > 0);
}

TEST_CASE("the host swaps what programs leave alone first, then all guests alike") {
    Workload workload = machines(2, 4 * kGiB, 100);
    SimHost host(workload, quiet(), host_of(4 * kGiga));
    host.start(std::vector<Bytes>{3 * kGiga, kGiga});
    CHECK(host.swapped() == 0);
    // The first frees 1 GiB, which stays touched; the second needs 512 MiB more than fit.
    host.advance(10, kStep_s, std::vector<Bytes>{2 * kGiga, kGiga + 512 * kMega});
    CHECK(host.guest(0).host_swapped() >= 512 * kMega);
    CHECK(host.guest(0).host_swapped() < 513 * kMega);
    CHECK(host.guest(0).host_used() == 2 * kGiga);
    CHECK(host.guest(1).host_swapped() == 0);
    CHECK(host.totals().host_stall_s == 0);
    // Nothing idle is left; each loses the same share.
    host.advance(20, kStep_s, std::vector<Bytes>{2 * kGiga, 4 * kGiga});
    const double first = static_cast<double>(host.guest(0).host_used()) / 2;
    const double second = static_cast<double>(host.guest(1).host_used()) / 4;
    CHECK(first == Approx(second).epsilon(1e-6));
    // And touches it again.
    host.advance(30, kStep_s, std::vector<Bytes>{2 * kGiga, 4 * kGiga});
    CHECK(host.totals().host_stall_s > 0);
    CHECK(host.totals().host_faulted > 0);
    CHECK(host.resident() == 4 * kGiga);
}

TEST_CASE("a host whose swap is full kills the largest guest, which comes back later") {
    Workload workload = machines(2, 4 * kGiB, 1000);
    HostConstants constants = host_of(4 * kGiga, 512 * kMega);
    constants.restart_s = 30;
    SimHost host(workload, quiet(), constants);
    host.start(std::vector<Bytes>{3 * kGiga, kGiga});
    host.advance(10, kStep_s, std::vector<Bytes>{3 * kGiga, 2 * kGiga});
    CHECK(host.totals().host_ooms == 1);
    CHECK(host.guest(0).touched() == 0);
    CHECK(host.resident() == 2 * kGiga);
    Observation seen;
    host.observe(seen);
    CHECK(has(seen.domains.flags[0], DomainFlags::starting));
    CHECK(seen.domains.unused_bytes[0] == kUnknownBytes);
    host.advance(20, kStep_s, std::vector<Bytes>{kGiga, kGiga});
    host.advance(30, kStep_s, std::vector<Bytes>{kGiga, kGiga});
    CHECK(host.totals().host_stall_s == 20);  // it stood still
    CHECK(host.totals().unserved_byte_s == 20.0 * static_cast<double>(kGiga));
    host.advance(40, kStep_s, std::vector<Bytes>{kGiga, kGiga});
    CHECK(host.guest(0).programs() == kGiga);
    CHECK(host.totals().host_ooms == 1);
}

TEST_CASE("ballooned memory is the host's again") {
    Workload workload = machines(1, 4 * kGiB, 1000);
    SimHost host(workload, quiet(), host_of(4 * kGiga));
    host.start(std::vector<Bytes>{3 * kGiga});
    host.advance(10, kStep_s, std::vector<Bytes>{kGiga});
    CHECK(host.available() <= kGiga);
    host.ask(0, 2 * kGiga);
    host.advance(20, kStep_s, std::vector<Bytes>{kGiga});
    CHECK(host.guest(0).loaned() == 2 * kGiga);
    CHECK(host.available() > 2 * kGiga);
    CHECK(host.totals().moved == 2 * kGiga);
    CHECK(host.totals().lent_byte_s == 20.0 * static_cast<double>(kGiga));
}

TEST_CASE("the first MiB of a move is reported at once, and the rest late") {
    Workload workload = machines(1, 4 * kGiB, 1000);
    workload.vms[0].size_late_s = GENERATE(0.0, 1.25);
    const bool is_late = workload.vms[0].size_late_s > 0;
    SimHost host(workload, quiet(), host_of(8 * kGiga));
    const std::vector<Bytes> demand{kGiga};
    host.start(demand);
    Observation seen;
    const auto look = [&](double at_s) {
        host.advance(at_s, 1, demand);
        host.observe(seen);
        CHECK(host.reported_loan(0) == static_cast<Bytes>(seen.domains.loaned_bytes[0]));
        return host.reported_loan(0);
    };
    const auto late = [&] { return has(seen.domains.flags[0], DomainFlags::late_stats); };
    CHECK(look(1) == 0);
    CHECK_FALSE(late());
    host.ask(0, 2 * kGiga);
    CHECK(look(2) == (is_late ? kMega : 2 * kGiga));
    CHECK(late() == is_late);
    // The guest has given all of it, and its statistics are of the present.
    CHECK(host.guest(0).loaned() == 2 * kGiga);
    CHECK(seen.domains.unused_bytes[0] == kGiB);
    CHECK(look(3) == 2 * kGiga);
    CHECK(late() == is_late);
    CHECK(look(4) == 2 * kGiga);
    CHECK_FALSE(late());
    host.ask(0, kGiga);
    CHECK(look(5) == (is_late ? 2 * kGiga - kMega : kGiga));
    CHECK(look(6) == kGiga);
    // With rare ticks nothing is late.
    host.ask(0, 0);
    host.advance(16, 10, demand);
    CHECK(host.reported_loan(0) == 0);
}

TEST_CASE("a policy sees guests come and go, and what they tell") {
    Workload workload = machines(3, kGiB, 100);
    workload.vms[2].deflate_on_oom = false;
    workload.changes[1].at_s = 20;
    std::swap(workload.changes[1], workload.changes[2]);
    workload.changes.push_back({30, 0, WorkloadChangeKind::goes});
    SimHost host(workload, quiet(), host_of(8 * kGiga));
    const std::vector<Bytes> demand(3, 100 * kMega);
    Observation seen;
    host.start(demand);
    host.observe(seen);
    REQUIRE(seen.domains.size() == 2);
    CHECK(seen.domains.name == std::vector<std::string>{"vm1", "vm3"});
    CHECK(seen.domains.key[1] == key_from_name("vm3"));
    CHECK(has(seen.domains.flags[0], DomainFlags::deflate_on_oom));
    CHECK_FALSE(has(seen.domains.flags[1], DomainFlags::deflate_on_oom));
    CHECK(seen.domains.total_bytes[0] == kGiB);
    CHECK(seen.domains.unused_bytes[0] == kGiB - 100 * kMiB);
    CHECK(seen.domains.resident_bytes[0] == 100 * kMiB);
    CHECK(seen.host.total_bytes == 8 * kGiB);
    CHECK(seen.host.available_bytes == 8 * kGiB - 200 * kMiB);
    CHECK(seen.at == Time{});
    const std::uint64_t membership = seen.domains.membership;
    host.ask(0, kGiga / 2);
    host.advance(10, kStep_s, demand);
    host.observe(seen);
    CHECK(seen.domains.membership == membership);
    CHECK(seen.domains.loaned_bytes[0] == kGiB / 2);
    CHECK(seen.at == Time{} + std::chrono::seconds(10));
    host.advance(20, kStep_s, demand);
    host.observe(seen);
    CHECK(seen.domains.name == std::vector<std::string>{"vm1", "vm2", "vm3"});
    CHECK(seen.domains.membership != membership);
    host.advance(30, kStep_s, demand);
    host.observe(seen);
    CHECK(seen.domains.name == std::vector<std::string>{"vm2", "vm3"});
    CHECK(host.guest(0).touched() == 0);
    // It had lent, and is asked for nothing when it comes back.
    CHECK(host.guest(0).loaned() == 0);
}

TEST_CASE("figures may stand still or lie, and drivers may be stuck") {
    Workload workload = machines(2, kGiB, 100);
    workload.changes.push_back({10, 0, WorkloadChangeKind::statistics, {}, StatsMode::frozen});
    workload.changes.push_back({10, 1, WorkloadChangeKind::statistics, {}, StatsMode::lying});
    workload.changes.push_back({10, 1, WorkloadChangeKind::balloon, BalloonMode::stuck, {}});
    workload.changes.push_back({30, 0, WorkloadChangeKind::statistics, {}, StatsMode::truthful});
    SimHost host(workload, quiet(), host_of(8 * kGiga));
    Observation seen;
    host.start(std::vector<Bytes>(2, 100 * kMega));
    host.advance(10, kStep_s, std::vector<Bytes>(2, 200 * kMega));
    host.ask(1, kGiga / 4);
    host.advance(20, kStep_s, std::vector<Bytes>(2, 300 * kMega));
    host.observe(seen);
    CHECK(seen.domains.unused_bytes[0] == kGiB - 200 * kMiB);
    CHECK(has(seen.domains.flags[0], DomainFlags::stale_stats));
    CHECK(seen.domains.usable_bytes[1] == kGiB);
    CHECK(seen.domains.flags[1] == DomainFlags::deflate_on_oom);
    CHECK(seen.domains.loaned_bytes[1] == 0);
    host.advance(30, kStep_s, std::vector<Bytes>(2, 300 * kMega));
    host.observe(seen);
    CHECK(seen.domains.unused_bytes[0] == kGiB - 300 * kMiB);
    CHECK_FALSE(has(seen.domains.flags[0], DomainFlags::stale_stats));
}

TEST_CASE("the host's stall time counts time in which some guest waited for it") {
    Workload workload = machines(2, 4 * kGiB, 100);
    GuestConstants constants = quiet();
    constants.host_fault_us = 1e6;
    SimHost host(workload, constants, host_of(4 * kGiga));
    Observation seen;
    host.start(std::vector<Bytes>{3 * kGiga, 3 * kGiga});
    host.observe(seen);
    CHECK(seen.host.memory_stall_us == 0);
    host.advance(10, kStep_s, std::vector<Bytes>{3 * kGiga, 3 * kGiga});
    host.observe(seen);
    // Both waited all the time, which is ten seconds and not twenty.
    CHECK(seen.host.memory_stall_us == Approx(10e6));
    CHECK(host.totals().host_stall_s == Approx(20));
    CHECK(seen.host.swap_total_bytes - seen.host.swap_free_bytes ==
          static_cast<std::uint64_t>(host.swapped()));
}

TEST_CASE("what is reserved for a machine falls as it takes its memory, and ends with it") {
    Workload workload = machines(2, 4 * kGiB, 1000);
    const auto reserve = [&workload](double at_s, std::size_t vm, std::uint64_t bytes) {
        workload.changes.push_back({.at_s = at_s,
                                    .vm = vm,
                                    .kind = WorkloadChangeKind::reserves,
                                    .balloon = BalloonMode::ideal,
                                    .statistics = StatsMode::truthful,
                                    .reserved_bytes = bytes});
    };
    workload.changes.pop_back();  // the second comes later
    reserve(10, kNobody, kGiB);
    reserve(20, 1, 3 * kGiB);
    workload.changes.push_back({30, 1, WorkloadChangeKind::comes});
    reserve(50, 1, 4 * kGiB);  // in place of the first
    reserve(60, kNobody, 0);
    workload.changes.push_back({70, 1, WorkloadChangeKind::goes});
    SimHost host(workload, quiet(), host_of(16 * kGiga));
    host.start(std::vector<Bytes>{kGiga, 0});
    CHECK(host.reserved() == 0);
    const auto after = [&host](double at_s, Bytes demand) {
        host.advance(at_s, kStep_s, std::vector<Bytes>{kGiga, demand});
        return host.reserved();
    };
    CHECK(after(10, 0) == kGiga);
    CHECK(after(20, 0) == 4 * kGiga);
    CHECK(after(30, kGiga) == 3 * kGiga);
    CHECK(after(40, 3 * kGiga) == kGiga);  // it has all of it, and no claim any more
    CHECK(after(50, 2 * kGiga) == kGiga + (4 - 3) * kGiga);  // it still holds what it touched
    CHECK(after(60, 2 * kGiga) == kGiga);
    CHECK(after(70, 2 * kGiga) == 0);
    CHECK(host.rows().size() == 1);
}
