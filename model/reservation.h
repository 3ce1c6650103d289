// Host memory that is to be free for somebody: a domain about to start, mostly.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/domain.h"

namespace ballast {

struct Reservation {
    std::uint64_t id = 0;
    std::uint64_t bytes = 0;
    std::string domain;  // name or UUID of the one that will use it; empty = nobody Ballast sees
    Time expires_at{};   // it ends by itself then
    // What is left of it: its domain has the rest already.
    std::uint64_t outstanding_bytes = 0;
    // The host has it, and that of all reservations before, beside its own reserve.
    bool ready = false;
    bool domain_seen = false;
};

struct ReservationList {
    std::vector<Reservation> reservations;          // oldest first
    std::uint64_t available_bytes = kUnknownBytes;  // the host's memory, as of the last tick
};

}  // namespace ballast
