// The host as a backend sees it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "model/domain.h"

namespace ballast {

// The most NUMA nodes that are told apart; others are left out.
inline constexpr std::uint32_t kMostNodes = 64;

// A NUMA node's memory. kUnknownBytes where a backend cannot tell.
struct HostNode {
    std::uint32_t id = 0;  // the host's number for it, below kMostNodes
    std::uint64_t total_bytes = kUnknownBytes;
    std::uint64_t free_bytes = kUnknownBytes;
    // What it could hand out without swapping: an estimate, the kernel tells that of hosts only.
    std::uint64_t available_bytes = kUnknownBytes;

    friend bool operator==(const HostNode&, const HostNode&) = default;
};

// Whether next to nothing is left of a node for those that are bound to it: less than 2 %.
constexpr bool is_short(const HostNode& node) noexcept {
    return node.available_bytes != kUnknownBytes && node.total_bytes != kUnknownBytes &&
           node.available_bytes < node.total_bytes / 50;
}

// kUnknownBytes where a backend cannot tell.
struct HostState {
    std::uint64_t total_bytes = kUnknownBytes;
    // What can be handed out without swapping: the host's MemAvailable, or a pool's free memory.
    std::uint64_t available_bytes = kUnknownBytes;
    std::uint64_t swap_total_bytes = kUnknownBytes;
    std::uint64_t swap_free_bytes = kUnknownBytes;
    // How long since its start some task stood still for want of memory (PSI's "some" total).
    std::uint64_t memory_stall_us = kUnknownBytes;
    std::vector<HostNode> nodes;  // by number; empty = not told
};

// What one bulk call told: the input of a tick. The controller owns it and hands the same object
// to every observe(), so that a backend can refill columns without allocating.
struct Observation {
    Time at{};
    HostState host;
    DomainTable domains;
};

}  // namespace ballast
