// A tick of a run as plain figures, and what has to hold of them whatever a policy decides.
#pragma once

#include <string>
#include <vector>

#include "compare/run.h"

namespace ballast::test {

struct GuestMoment {
    std::string name;
    Bytes capacity = 0;
    Bytes min_mem = 0;
    Bytes loaned = 0;
    Bytes kept = 0;
    Bytes programs = 0;
    Bytes hot = 0;
    Bytes cold = 0;
    Bytes free = 0;
    Bytes guest_swapped = 0;
    Bytes touched = 0;
    Bytes resident = 0;
    Bytes host_swapped = 0;
    Bytes wish = 0;      // the loan that the policy wants
    bool stuck = false;  // its balloon
    bool down = false;   // killed by the host, and not back yet
};

struct Moment {
    double at_s = 0;
    Bytes memory = 0;
    Bytes own = 0;
    Bytes swap = 0;
    Bytes resident = 0;
    Bytes swapped = 0;
    Bytes available = 0;
    Bytes reserved = 0;
    double stall_s = 0;  // of all guests, since the start
    std::uint64_t guest_ooms = 0;
    double unserved_byte_s = 0;
    std::vector<GuestMoment> guests;
};

inline Moment moment_of(const Workload& workload, const compare::RunTick& tick) {
    const SimHost& host = tick.host;
    const HarmTotals& totals = host.totals();
    Moment moment{.at_s = host.at_s(),
                  .memory = host.constants().memory,
                  .own = host.constants().own,
                  .swap = host.constants().swap,
                  .resident = host.resident(),
                  .swapped = host.swapped(),
                  .available = host.available(),
                  .reserved = host.reserved(),
                  .stall_s = totals.guest_stall_s + totals.host_stall_s,
                  .guest_ooms = totals.guest_ooms,
                  .unserved_byte_s = totals.unserved_byte_s,
                  .guests = {}};
    for (std::size_t row = 0; row < host.rows().size(); ++row) {
        const std::size_t vm = host.rows()[row];
        const SimGuest& guest = host.guest(vm);
        moment.guests.push_back({.name = workload.vms[vm].name,
                                 .capacity = guest.capacity(),
                                 .min_mem = static_cast<Bytes>(tick.min_mem_bytes[vm]),
                                 .loaned = guest.loaned(),
                                 .kept = guest.kept(),
                                 .programs = guest.programs(),
                                 .hot = guest.hot(),
                                 .cold = guest.cold(),
                                 .free = guest.free(),
                                 .guest_swapped = guest.swapped(),
                                 .touched = guest.touched(),
                                 .resident = guest.host_resident(),
                                 .host_swapped = guest.host_swapped(),
                                 .wish = tick.loan[row],
                                 .stuck = guest.balloon_mode == BalloonMode::stuck,
                                 .down = host.is_down(vm)});
    }
    return moment;
}

// The names of what does not hold of `now`; `before` is the tick before it. Empty = all holds.
//   guest books       a guest's memory is its programs, caches and free memory, to the byte
//   touched memory    the host holds for a guest what it uses at least, what it keeps at most
//   host books        the host's memory is its own, its guests' and what is available, to the byte
//   host swap         what is swapped is the guests', and fits
//   loan in bounds    nobody lends more than leaves it min_mem
//   wish in bounds    a policy wants loans from nothing to all of a guest
//   down left alone   a policy asks nothing of a guest that is not up
//   stuck unmoved     a stuck balloon stands still, whatever is asked of it
inline std::vector<std::string> broken_promises(const Moment& before, const Moment& now) {
    std::vector<std::string> broken;
    const auto expect = [&](bool holds, const char* name) {
        if (!holds) broken.emplace_back(name);
    };
    Bytes resident = 0;
    Bytes swapped = 0;
    for (const GuestMoment& guest : now.guests) {
        const Bytes used = guest.programs + guest.hot;
        expect(guest.kept == guest.capacity - guest.loaned &&
                   guest.kept == used + guest.cold + guest.free && guest.programs >= 0 &&
                   guest.hot >= 0 && guest.cold >= 0 && guest.free >= 0 && guest.guest_swapped >= 0,
               "guest books");
        expect(guest.touched >= used + guest.cold && guest.touched <= guest.kept &&
                   guest.touched == guest.resident + guest.host_swapped && guest.resident >= 0 &&
                   guest.host_swapped >= 0,
               "touched memory");
        const Bytes most = std::max<Bytes>(0, guest.capacity - guest.min_mem);
        expect(guest.loaned >= 0 && guest.loaned <= most, "loan in bounds");
        expect(guest.wish >= 0 && guest.wish <= guest.capacity, "wish in bounds");
        expect(!guest.down || guest.wish == guest.loaned, "down left alone");
        for (const GuestMoment& was : before.guests)
            if (was.name == guest.name && was.stuck && guest.stuck)
                expect(was.loaned == guest.loaned, "stuck unmoved");
        resident += guest.resident;
        swapped += guest.host_swapped;
    }
    expect(now.available >= 0 && now.resident == resident &&
               now.own + now.resident + now.available == now.memory,
           "host books");
    expect(now.swapped == swapped && swapped <= now.swap, "host swap");
    return broken;
}

}  // namespace ballast::test
