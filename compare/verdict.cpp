#include "compare/verdict.h"

#include <algorithm>

namespace ballast::compare {
namespace {

bool same_demand(const DemandScale& a, const DemandScale& b) {
    return a.floor_share == b.floor_share && a.k == b.k;
}

bool beats(const RunResult& a, const RunResult& b) {
    const bool no_worse = a.overcommit >= b.overcommit && a.stall_percent() <= b.stall_percent() &&
                          a.ooms() <= b.ooms();
    const bool better =
        a.overcommit > b.overcommit || a.stall_percent() < b.stall_percent() || a.ooms() < b.ooms();
    return no_worse && better;
}

}  // namespace

bool is_good(const RunResult& result) {
    return result.ooms() == 0 && result.stall_percent() <= kGoodStallPercent;
}

std::vector<Density> densities(std::span<const RunResult> results) {
    std::vector<Density> densities;
    for (const RunResult& result : results) {
        const bool known =
            std::any_of(densities.begin(), densities.end(), [&](const Density& density) {
                return density.policy == result.policy &&
                       same_demand(density.demand, result.demand);
            });
        if (known) continue;
        std::vector<const RunResult*> its;
        for (const RunResult& other : results)
            if (other.policy == result.policy && same_demand(other.demand, result.demand))
                its.push_back(&other);
        std::sort(its.begin(), its.end(), [](const RunResult* a, const RunResult* b) {
            return a->overcommit < b->overcommit;
        });
        Density& density = densities.emplace_back();
        density.policy = result.policy;
        density.demand = result.demand;
        for (const RunResult* const one : its) {
            if (!is_good(*one)) break;
            density.density = one->overcommit;
        }
    }
    return densities;
}

std::vector<bool> pareto_front(std::span<const RunResult> results) {
    std::vector<bool> front;
    for (const RunResult& result : results)
        front.push_back(result.policy != kClairvoyant &&
                        std::none_of(results.begin(), results.end(), [&](const RunResult& other) {
                            return other.policy != kClairvoyant &&
                                   same_demand(other.demand, result.demand) && beats(other, result);
                        }));
    return front;
}

}  // namespace ballast::compare
