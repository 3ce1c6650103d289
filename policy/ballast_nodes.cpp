// Policy `ballast` on hosts with several NUMA nodes: a guest that is bound to some of them is given
// memory of these alone, whatever the others have.
#include <algorithm>

#include "policy/ballast_policy.h"

namespace ballast {

// Guests on a pool that is below the mark where loans go back are given nothing that they do not
// need at once: it would be collected again.
void BallastPolicy::look_at_nodes(const Observation& seen) {
    pools_.follow(seen);
    for (const NodePool& pool : pools_.pools()) {
        const double mark = (settings_.goal_share + settings_.ease_share) * pool.total_bytes;
        if (pool.available_bytes > mark) continue;
        for (std::size_t row = 0; row < needs_.size(); ++row)
            if (pool.holds(seen.domains.node_mask[row])) needs_[row].on_tight_node = true;
    }
}

// As the host's lack is collected (share_out), of each pool's guests. What the host or a smaller
// pool has of them counts: nothing is collected twice.
void BallastPolicy::collect_for_nodes(const Observation& seen) {
    const auto in_pool = [&](const NodePool& pool, std::size_t row) {
        return pool.holds(seen.domains.node_mask[row]);
    };
    for (const NodePool& pool : pools_.pools()) {
        double may_come = 0;
        double coming = pool.available_bytes;
        double given = 0;
        for (std::size_t row = 0; row < needs_.size(); ++row) {
            Need& need = needs_[row];
            need.counts = in_pool(pool, row);
            if (!need.counts) continue;
            may_come += need.total - (need.is_short ? need.kept : need.resident);
            coming += need.coming;
            if (need.is_short) given += std::max(0.0, need.target - need.kept);
        }
        const double growth = settings_.goal_share * pool.total_bytes;
        const double lacks = std::min(growth, may_come) - coming + given;
        const double wished = growth - coming + given;
        for (std::size_t row = 0; row < needs_.size(); ++row)
            if (in_pool(pool, row) && wished + coming - pool.available_bytes > 0)
                needs_[row].node_wants = true;
        if (lacks > 0) collect(lacks, &Need::least, RequestReason::node_lacks);
        if (wished > std::max(lacks, 0.0))
            collect(wished, &Need::comfort, RequestReason::node_lacks);
    }
    for (Need& need : needs_) need.counts = true;
}

}  // namespace ballast
