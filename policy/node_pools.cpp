#include "policy/node_pools.h"

#include <algorithm>
#include <bit>
#include <optional>

namespace ballast {
namespace {

std::optional<NodePool> pool_of(const std::vector<HostNode>& nodes, std::uint64_t mask) {
    NodePool pool;
    pool.mask = mask;
    for (const HostNode& node : nodes) {
        const std::uint64_t bit = std::uint64_t{1} << node.id;
        if ((mask & bit) == 0) continue;
        if (node.total_bytes == kUnknownBytes || node.available_bytes == kUnknownBytes)
            return std::nullopt;
        mask &= ~bit;
        pool.total_bytes += static_cast<double>(node.total_bytes);
        pool.available_bytes += static_cast<double>(node.available_bytes);
    }
    if (mask != 0) return std::nullopt;  // a node that nothing is known of
    return pool;
}

}  // namespace

void NodePools::follow(const Observation& seen) {
    pools_.clear();
    if (seen.host.nodes.size() < 2) return;
    std::uint64_t every = 0;
    for (const HostNode& node : seen.host.nodes) every |= std::uint64_t{1} << node.id;
    for (const std::uint64_t mask : seen.domains.node_mask) {
        if (mask == 0 || (every & ~mask) == 0) continue;
        const bool known = std::any_of(pools_.begin(), pools_.end(),
                                       [mask](const NodePool& pool) { return pool.mask == mask; });
        if (known) continue;
        if (const auto pool = pool_of(seen.host.nodes, mask)) pools_.push_back(*pool);
    }
    std::sort(pools_.begin(), pools_.end(), [](const NodePool& a, const NodePool& b) {
        const int size_a = std::popcount(a.mask);
        const int size_b = std::popcount(b.mask);
        return size_a != size_b ? size_a < size_b : a.mask < b.mask;
    });
}

}  // namespace ballast
