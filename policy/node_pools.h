// Sets of NUMA nodes that guests' memory is bound to.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/host.h"

namespace ballast {

// A set of nodes that at least one guest may not go beyond.
struct NodePool {
    std::uint64_t mask = 0;  // a bit for each node
    double total_bytes = 0;
    double available_bytes = 0;

    // Whether a guest that is bound to these nodes (0: to none) draws on this pool alone.
    bool holds(std::uint64_t node_mask) const noexcept {
        return node_mask != 0 && (node_mask & ~mask) == 0;
    }
};

// One thread.
class NodePools {
  public:
    // One pool for each set that some domain is bound to, small sets first. Sets with all of the
    // host's nodes are no bound, and those with a node whose figures are not known are left out.
    // Allocates only where there are more sets than ever before.
    void follow(const Observation& seen);
    std::span<const NodePool> pools() const noexcept { return pools_; }

  private:
    std::vector<NodePool> pools_;
};

}  // namespace ballast
