#include "sim/guest_model.h"

#include <catch2/catch.hpp>
#include <limits>

#include "base/units.h"
#include "sim/curve.h"

using namespace ballast;

namespace {

constexpr Bytes kMega = static_cast<Bytes>(kMiB);
constexpr Bytes kGiga = static_cast<Bytes>(kGiB);
constexpr double kStep_s = 10;

WorkloadVm machine(Bytes capacity = 4 * kGiga) {
    WorkloadVm vm;
    vm.capacity_bytes = static_cast<std::uint64_t>(capacity);
    return vm;
}

// Nothing is read from files but what is used over and over.
GuestConstants quiet() {
    GuestConstants constants;
    constants.cache_fill_s = std::numeric_limits<double>::infinity();
    return constants;
}

SimGuest booted(Bytes demand, const GuestConstants& constants, const WorkloadVm& vm = machine()) {
    SimGuest guest(vm, constants);
    guest.boot(demand, constants);
    return guest;
}

// Everything is somewhere, to the byte, and nothing is in two places.
void check_books(const SimGuest& guest, Bytes demand, const GuestHarm& harm,
                 const GuestConstants& constants) {
    CHECK(guest.kept() == guest.programs() + guest.hot() + guest.cold() + guest.free());
    CHECK(guest.free() >= 0);
    CHECK(guest.programs() >= 0);
    CHECK(guest.swapped() >= 0);
    CHECK(guest.hot() >= 0);
    CHECK(guest.missing_hot() >= 0);
    CHECK(guest.cold() >= 0);
    CHECK(guest.loaned() >= 0);
    CHECK(guest.programs() + guest.swapped() + harm.unserved == demand);
    const Bytes served = demand - harm.unserved;
    if (!harm.out_of_memory)
        CHECK(guest.hot() + guest.missing_hot() ==
              hot_cache_wanted(served, guest.capacity(), guest.watermark(), constants));
    CHECK(guest.touched() >= guest.programs() + guest.hot() + guest.cold());
    CHECK(guest.touched() <= guest.kept());
    CHECK(guest.host_idle() >= 0);
    CHECK(guest.host_used() >= 0);
    CHECK(guest.host_swapped() >= 0);
    CHECK(guest.host_resident() + guest.host_swapped() == guest.touched());
    CHECK(guest.host_idle() + guest.host_used() == guest.host_resident());
    CHECK(harm.guest_stall_s >= 0);
    CHECK(harm.host_stall_s >= 0);
    CHECK(harm.guest_stall_s + harm.host_stall_s <= kStep_s * (1 + 1e-12));
}

struct Variant {
    double swap_share;
    bool deflate_on_oom;
    bool reporting;
    BalloonMode balloon;
};

}  // namespace

TEST_CASE("a guest's memory is accounted for to the byte whatever happens to it") {
    const Variant variant = GENERATE(Variant{0, true, false, BalloonMode::ideal},
                                     Variant{0, false, false, BalloonMode::ideal},
                                     Variant{0.1, true, true, BalloonMode::slow},
                                     Variant{0.1, false, false, BalloonMode::intermittent},
                                     Variant{0, true, false, BalloonMode::stuck});
    GuestConstants constants;
    constants.guest_swap_share = variant.swap_share;
    constants.free_page_reporting = variant.reporting;
    constants.cache_fill_s = 600;
    WorkloadVm vm = machine();
    vm.deflate_on_oom = variant.deflate_on_oom;
    vm.balloon_bytes_per_s = 64 * kMiB;
    SimGuest guest = booted(kGiga, constants, vm);
    guest.balloon_mode = variant.balloon;
    std::uint64_t random = 7;
    const auto below = [&random](Bytes most) {
        random = mix(random);
        return static_cast<Bytes>(random % static_cast<std::uint64_t>(most));
    };
    Bytes goal = 0;
    for (int step = 0; step < 3000; ++step) {
        if (step % 7 == 0) goal = below(guest.capacity() + 1);
        const Bytes loaned = guest.loaned();
        const Bytes moved = guest.move_balloon(goal, step * kStep_s, kStep_s, constants);
        CHECK(guest.loaned() == loaned + moved);
        const Bytes demand = below(guest.capacity() + 1);
        const GuestHarm harm = guest.live(demand, kStep_s, constants);
        check_books(guest, demand, harm, constants);
        CHECK(guest.loaned() == loaned + moved - harm.taken_back);
        guest.swap_out(below(guest.host_idle() + 1), below(guest.host_used() + 1));
        check_books(guest, demand, harm, constants);
    }
}

TEST_CASE("a guest that lends nothing never waits, however much it needs") {
    const double swap_share = GENERATE(0.0, 0.2);
    GuestConstants constants;
    constants.guest_swap_share = swap_share;
    constants.cache_fill_s = 60;
    SimGuest guest = booted(kGiga, constants);
    std::uint64_t random = 1;
    for (int step = 0; step < 1000; ++step) {
        random = mix(random);
        const Bytes demand =
            step % 50 == 0 ? guest.capacity() : static_cast<Bytes>(random % (4 * kGiB + 1));
        const GuestHarm harm = guest.live(demand, kStep_s, constants);
        REQUIRE(harm.guest_stall_s == 0);
        REQUIRE(harm.host_stall_s == 0);
        REQUIRE_FALSE(harm.out_of_memory);
    }
}

TEST_CASE("a larger balloon never makes a guest wait less") {
    const double swap_share = GENERATE(0.0, 0.5);
    GuestConstants constants;
    constants.guest_swap_share = swap_share;
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        double before_s = 0;
        std::uint64_t ooms_before = 0;
        for (Bytes loan = 0; loan <= 3584 * kMega; loan += 256 * kMega) {
            SimGuest guest = booted(512 * kMega, constants);
            double stall_s = 0;
            std::uint64_t ooms = 0;
            for (std::uint64_t step = 0; step < 500; ++step) {
                // Set again in each step, as a policy that does not look would.
                guest.move_balloon(loan, 0, kStep_s, constants);
                const Bytes demand =
                    512 * kMega + static_cast<Bytes>(mix(seed ^ mix(step / 20)) % (3 * kGiB));
                const GuestHarm harm = guest.live(demand, kStep_s, constants);
                stall_s += harm.guest_stall_s;
                ooms += harm.out_of_memory ? 1 : 0;
            }
            INFO("loan " << loan / kMega << " MiB, seed " << seed);
            CHECK(stall_s >= before_s);
            CHECK(ooms >= ooms_before);
            before_s = stall_s;
            ooms_before = ooms;
        }
        CHECK(before_s > 0);
    }
}

TEST_CASE("demand that does not fit drops cold cache, then hot cache, then swaps") {
    GuestConstants constants = quiet();
    constants.guest_swap_share = 0.25;
    constants.turnover_s = 1e9;  // nothing comes back meanwhile
    GuestConstants reading = constants;
    reading.cache_fill_s = 10;
    SimGuest guest = booted(2 * kGiga, constants);
    const Bytes hot = guest.hot();
    REQUIRE(hot == 2 * kGiga / 10);
    guest.live(2 * kGiga, kStep_s, reading);
    const Bytes cold = guest.cold();
    CHECK(guest.free() == guest.watermark());

    // As long as there is cold cache, it pays.
    guest.live(2 * kGiga + cold / 2, kStep_s, constants);
    CHECK(guest.missing_hot() == 0);
    CHECK(guest.cold() < cold / 2);
    // A guest that lent more has no cold cache left; then hot cache pays.
    guest.move_balloon(guest.cold() + 50 * kMega, 0, kStep_s, constants);
    CHECK(guest.cold() == 0);
    CHECK(guest.missing_hot() <= 50 * kMega);
    CHECK(guest.missing_hot() > 50 * kMega - kSimPage);
    CHECK(guest.swapped() == 0);
    const Bytes programs = guest.programs();
    guest.live(programs + guest.hot() + guest.free() + 100 * kMega, kStep_s, constants);
    CHECK(guest.hot() == 0);
    CHECK(guest.free() == 0);
    CHECK(guest.swapped() == 100 * kMega);
}

TEST_CASE("what was dropped and is needed comes back within the turnover, and costs") {
    const GuestConstants constants = quiet();
    SimGuest guest = booted(2 * kGiga, constants);
    const Bytes hot = guest.hot();
    guest.move_balloon(guest.free() - guest.watermark() + hot, 0, kStep_s, constants);
    REQUIRE(guest.missing_hot() == hot);
    guest.move_balloon(0, 0, kStep_s, constants);
    const GuestHarm harm = guest.live(2 * kGiga, kStep_s, constants);
    // A sixth of it in ten of sixty seconds, each page 100 us.
    CHECK(harm.guest_faulted == Approx(static_cast<double>(hot) / 6).epsilon(1e-6));
    CHECK(harm.guest_stall_s == Approx(static_cast<double>(hot) / 6 / 4096 * 100e-6).epsilon(1e-6));
    CHECK(guest.major_faults() == static_cast<std::uint64_t>(harm.guest_faulted / 4096));
    for (int step = 0; step < 600; ++step) guest.live(2 * kGiga, kStep_s, constants);
    CHECK(guest.missing_hot() < 100);  // no more than rounding keeps out
}

TEST_CASE("a guest waits for at most all of its time") {
    GuestConstants constants = quiet();
    constants.guest_fault_us = 1e6;
    SimGuest guest = booted(2 * kGiga, constants);
    guest.move_balloon(guest.capacity(), 0, kStep_s, constants);
    guest.swap_out(0, guest.host_used());
    const GuestHarm harm = guest.live(2 * kGiga, kStep_s, constants);
    CHECK(harm.guest_stall_s + harm.host_stall_s == Approx(kStep_s));
    CHECK(harm.guest_faulted > 0);
    CHECK(harm.guest_faulted / 4096 <= 10);
}

TEST_CASE("a balloon takes free memory down to the watermark and cache, and nothing else") {
    const bool takes_hot = GENERATE(true, false);
    GuestConstants constants = quiet();
    constants.balloon_takes_hot_cache = takes_hot;
    SimGuest guest = booted(kGiga, constants);
    const Bytes spare = guest.free() - guest.watermark();
    const Bytes moved = guest.move_balloon(guest.capacity(), 0, kStep_s, constants);
    CHECK(moved == whole_pages(spare + (takes_hot ? kGiga / 10 : 0)));
    CHECK(guest.missing_hot() == (takes_hot ? moved - spare : 0));
    CHECK(guest.free() - guest.watermark() == (takes_hot ? 0 : spare - moved));
    CHECK(guest.programs() == kGiga);
    CHECK(guest.move_balloon(guest.capacity(), 0, kStep_s, constants) == 0);
}

TEST_CASE("a balloon moves at its speed, and not at all while it stands") {
    const GuestConstants constants = quiet();
    WorkloadVm vm = machine();
    vm.balloon_bytes_per_s = 10 * kMiB;
    SimGuest guest = booted(kGiga, constants, vm);
    CHECK(guest.move_balloon(kGiga, 0, kStep_s, constants) == 100 * kMega);
    guest.balloon_mode = BalloonMode::slow;
    CHECK(guest.move_balloon(kGiga, 0, kStep_s, constants) == kMega);
    guest.balloon_mode = BalloonMode::intermittent;
    CHECK(guest.move_balloon(kGiga, 20, kStep_s, constants) == 100 * kMega);
    CHECK(guest.move_balloon(kGiga, 30, kStep_s, constants) == 0);
    CHECK(guest.move_balloon(kGiga, 50, kStep_s, constants) == 0);
    CHECK(guest.move_balloon(0, 60, kStep_s, constants) == -100 * kMega);
    guest.balloon_mode = BalloonMode::stuck;
    CHECK(guest.move_balloon(0, 70, kStep_s, constants) == 0);
}

TEST_CASE("a guest that runs out takes back what it needs, or loses a program") {
    const GuestConstants constants = quiet();
    WorkloadVm vm = machine();
    SECTION("with deflate on OOM") {
        SimGuest guest = booted(kGiga, constants, vm);
        guest.move_balloon(2 * kGiga, 0, kStep_s, constants);
        const GuestHarm harm = guest.live(2 * kGiga + 300 * kMega + 1, kStep_s, constants);
        CHECK(harm.out_of_memory);
        CHECK(harm.taken_back == 301 * kMega);  // whole MiB
        CHECK(harm.unserved == 0);
        CHECK(guest.loaned() == 2 * kGiga - 301 * kMega);
        CHECK(guest.programs() == 2 * kGiga + 300 * kMega + 1);
    }
    SECTION("without, or where the driver is stuck: one event until it fits again") {
        vm.deflate_on_oom = GENERATE(true, false);
        SimGuest guest = booted(kGiga, constants, vm);
        guest.move_balloon(2 * kGiga, 0, kStep_s, constants);
        if (vm.deflate_on_oom) guest.balloon_mode = BalloonMode::stuck;
        CHECK(guest.live(3 * kGiga, kStep_s, constants).out_of_memory);
        CHECK(guest.loaned() == 2 * kGiga);
        const GuestHarm after = guest.live(3 * kGiga, kStep_s, constants);
        CHECK_FALSE(after.out_of_memory);
        CHECK(after.unserved > kGiga);
        CHECK(guest.live(kGiga, kStep_s, constants).unserved == 0);
        CHECK(guest.live(3 * kGiga, kStep_s, constants).out_of_memory);
    }
}

TEST_CASE("memory that a guest no longer uses stays on the host until its balloon takes it") {
    GuestConstants constants = quiet();
    constants.hot_cache_share = 0;
    SimGuest guest = booted(3 * kGiga, constants);
    guest.live(kGiga, kStep_s, constants);
    CHECK(guest.host_resident() >= 3 * kGiga);
    SECTION("what was touched is taken first") {
        guest.move_balloon(kGiga, 0, kStep_s, constants);
        CHECK(guest.host_resident() < 2 * kGiga + kMega);
    }
    SECTION("unless the guest reports free pages") {
        constants.free_page_reporting = true;
        guest.live(kGiga, kStep_s, constants);
        CHECK(guest.host_resident() < kGiga + kMega);
    }
}

TEST_CASE("pages that the host swapped out cost those who touch, grow into or overwrite them") {
    GuestConstants constants = quiet();
    constants.hot_cache_share = 0;
    SimGuest guest = booted(2 * kGiga, constants);
    SECTION("touched") {
        guest.swap_out(0, guest.host_used() / 2);
        const Bytes out = guest.host_swapped();
        const GuestHarm harm = guest.live(2 * kGiga, kStep_s, constants);
        CHECK(harm.host_faulted == Approx(static_cast<double>(out) / 6).epsilon(1e-6));
        CHECK(guest.host_swapped() == out - harm.host_faulted);
    }
    SECTION("idle and left alone: free") {
        guest.live(kGiga, kStep_s, constants);
        guest.swap_out(guest.host_idle(), 0);
        CHECK(guest.live(kGiga, kStep_s, constants).host_faulted < kMega);
    }
    SECTION("idle and grown into") {
        guest.live(kGiga, kStep_s, constants);
        guest.swap_out(guest.host_idle(), 0);
        const GuestHarm harm = guest.live(kGiga + 512 * kMega, kStep_s, constants);
        CHECK(harm.host_faulted >= 512 * kMega);
        CHECK(harm.host_stall_s == Approx(kStep_s));
    }
    SECTION("overwritten by file data") {
        guest.live(kGiga, kStep_s, constants);
        guest.swap_out(guest.host_idle(), 0);
        constants.cache_fill_s = 400;
        const GuestHarm harm = guest.live(kGiga, kStep_s, constants);
        CHECK(harm.host_faulted == Approx(102.4 * static_cast<double>(kMega)).epsilon(0.01));
    }
    SECTION("taken by the balloon: free") {
        guest.live(kGiga, kStep_s, constants);
        guest.swap_out(guest.host_idle(), 0);
        guest.move_balloon(kGiga, 0, kStep_s, constants);
        CHECK(guest.host_swapped() < 2 * kMega);
        CHECK(guest.live(kGiga, kStep_s, constants).host_faulted < kMega);
    }
}

TEST_CASE("MemAvailable is what Linux would say") {
    const GuestConstants constants = quiet();
    const SimGuest guest = booted(kGiga, constants);
    CHECK(guest.usable() == guest.free() - guest.watermark() + guest.hot() -
                                std::min(guest.hot() / 2, guest.watermark()));
    // The kernel's own figures for such a machine: min_free_kbytes 8192, plus twice 0.1 %.
    CHECK(linux_watermark(4 * kGiga) / 1024 == 8192 + 2 * 4194);
}
