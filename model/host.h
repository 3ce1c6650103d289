// The host as a backend sees it.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "model/domain.h"

namespace ballast {

// kUnknownBytes where a backend cannot tell.
struct HostState {
    std::uint64_t total_bytes = kUnknownBytes;
    // What can be handed out without swapping: the host's MemAvailable, or a pool's free memory.
    std::uint64_t available_bytes = kUnknownBytes;
    std::uint64_t swap_total_bytes = kUnknownBytes;
    std::uint64_t swap_free_bytes = kUnknownBytes;
    // How long since its start some task stood still for want of memory (PSI's "some" total).
    std::uint64_t memory_stall_us = kUnknownBytes;
};

// What one bulk call told: the input of a tick. The controller owns it and hands the same object
// to every observe(), so that a backend can refill columns without allocating.
struct Observation {
    Time at{};
    HostState host;
    DomainTable domains;
};

}  // namespace ballast
