#include "compare/verdict.h"

#include <catch2/catch.hpp>

using namespace ballast;
using namespace ballast::compare;

namespace {

RunResult made(const std::string& policy, double ratio, double stall_percent,
               std::uint64_t ooms = 0, double k = 1) {
    RunResult result;
    result.policy = policy;
    result.overcommit = ratio;
    result.demand.k = k;
    result.totals.guest_s = 100;
    result.totals.guest_stall_s = stall_percent / 2;
    result.totals.host_stall_s = stall_percent / 2;
    result.totals.guest_ooms = ooms / 2;
    result.totals.host_ooms = ooms - ooms / 2;
    return result;
}

double density_of(const std::vector<RunResult>& results, const std::string& policy, double k = 1) {
    for (const Density& density : densities(results))
        if (density.policy == policy && density.demand.k == k) return density.density;
    FAIL("no density of " << policy);
    return -1;
}

}  // namespace

TEST_CASE("density is the largest ratio that is good together with all smaller ones") {
    // Not in order.
    const std::vector<RunResult> results{made("a", 3, 0),   made("a", 1, 0.1), made("a", 2, 0.05),
                                         made("a", 4, 0.2), made("b", 1, 0),   made("b", 2, 0.101),
                                         made("b", 3, 0),   made("c", 1, 0.2), made("d", 1, 0),
                                         made("d", 2, 0, 1)};
    CHECK(density_of(results, "a") == 3);
    CHECK(density_of(results, "b") == 1);
    CHECK(density_of(results, "c") == 0);
    CHECK(density_of(results, "d") == 1);
    CHECK(densities(results).size() == 4);
}

TEST_CASE("each demand has densities of its own") {
    const std::vector<RunResult> results{made("a", 1, 0), made("a", 2, 0), made("a", 1, 0, 0, 3),
                                         made("a", 2, 5, 0, 3)};
    CHECK(density_of(results, "a") == 2);
    CHECK(density_of(results, "a", 3) == 1);
}

TEST_CASE("the Pareto front holds what nobody beats") {
    const std::vector<RunResult> results{
        made("a", 1, 0),       // no better than the next at a smaller ratio
        made("b", 2, 0),       // on it
        made("a", 2, 0.1),     // beaten by the one before
        made("a", 3, 0.3),     // on it
        made("b", 3, 0.3),     // its equal
        made("a", 4, 0.2, 1),  // on it, and its OOM keeps the last one from being beaten
        made("b", 4, 0.5),       made(kClairvoyant, 4, 0),
        made("a", 2, 0.1, 0, 2),  // of another demand, alone
    };
    CHECK(pareto_front(results) ==
          std::vector<bool>{false, true, false, true, true, true, true, false, true});
}
