// No policy may do better than the clairvoyant, or it would be no bound.
#include <catch2/catch.hpp>

#include "compare/grid.h"
#include "compare/verdict.h"
#include "policy/policy.h"
#include "tests/unit/sim/workload_fixture.h"

using namespace ballast;
using namespace ballast::compare;
using namespace ballast::test;

TEST_CASE("no policy reaches a higher density than the clairvoyant") {
    // Needs that change often and fast, or slowly and rarely.
    const double every_s = GENERATE(30.0, 600.0, 7200.0);
    const Workload workload = restless(12, 4 * kGiB, 40000, every_s, 300 * kMiB, 11);
    Grid grid;
    grid.contestants.push_back({kClairvoyant, {}});
    for (const PolicyEntry& entry : policy_catalogue())
        if (make_policy(default_choice(entry.kind)))
            grid.contestants.push_back({std::string(entry.name), default_choice(entry.kind)});
    for (double ratio = 1; ratio <= 2; ratio += 0.125) grid.overcommit.push_back(ratio);
    grid.demand = {{0, 1}, {0.1, 0.5}};
    const auto results = run_grid(workload, grid, {}, 1, {});
    REQUIRE(results);
    const auto found = densities(*results);
    for (const Density& bound : found) {
        if (bound.policy != kClairvoyant) continue;
        CHECK(bound.density >= 1.125);
        for (const Density& other : found)
            if (other.demand.k == bound.demand.k) CHECK(other.density <= bound.density);
    }
}
