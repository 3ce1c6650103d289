#include "probe/parameters.h"

#include <catch2/catch.hpp>

using namespace ballast;
using namespace ballast::probe;
using Catch::Matchers::Contains;

namespace {

std::string refused(const Parameters& parameters, unsigned cpus = 4) {
    const auto plan = check(parameters, cpus);
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == Errc::invalid_argument);
    return plan.error().context;
}

}  // namespace

TEST_CASE("the defaults are the kernel's") {
    const auto plan = check({}, 8);
    REQUIRE(plan);
    CHECK(plan->loops == 10'000);
    CHECK(plan->runs == 30);
    CHECK(plan->readers == 6);
    CHECK(plan->read_delay == Duration(0));
    CHECK(plan->holdoff == Duration(0));
}

TEST_CASE("three quarters of the CPUs are counted as the kernel counts them, one at least") {
    CHECK(check({}, 1)->readers == 1);
    CHECK(check({}, 2)->readers == 1);
    CHECK(check({}, 3)->readers == 1);
    CHECK(check({}, 4)->readers == 3);
    CHECK(check({}, 5)->readers == 3);
    CHECK(check({}, 1000)->readers == 256);
}

TEST_CASE("what the kernel would correct is refused, with what was expected") {
    CHECK(refused({.nreaders = 0}) ==
          "nreaders is 0, expected 1 to 4 (each reader has a CPU of its own), or -1 for 75 % of "
          "the CPUs");
    CHECK_THAT(refused({.nreaders = 5}), Contains("nreaders is 5, expected 1 to 4"));
    CHECK_THAT(refused({.nreaders = -2}), Contains("nreaders is -2"));
    CHECK_THAT(refused({.nreaders = 2}, 1), Contains("expected 1 to 1"));
    CHECK(refused({.loops = 0}) ==
          "loops is 0, expected 1 to 715827882: nreaders * loops has to fit into 31 bits");
    CHECK_THAT(refused({.loops = -1}), Contains("loops is -1"));
    CHECK_THAT(refused({.loops = 715'827'883}), Contains("expected 1 to 715827882"));
    CHECK_THAT(refused({.nruns = 0}), Contains("nruns is 0, expected 1 to 100000"));
    CHECK_THAT(refused({.readdelay = -1}), Contains("readdelay is -1, expected 0 to 1000000 ns"));
    CHECK_THAT(refused({.readdelay = 1'000'001}), Contains("within 10 s"));
    CHECK_THAT(refused({.holdoff = -1}), Contains("holdoff is -1, expected 0 to 86400 s"));
    CHECK(check({.loops = 715'827'882}, 4));
    CHECK(check({.loops = 1, .nreaders = 1, .nruns = 1}, 1));
}

TEST_CASE("an unknown scale type is answered with those there are") {
    const Error error = unknown_scale_type("rcu-trace2");
    CHECK(error.code == Errc::not_found);
    CHECK_THAT(error.context, Contains("scale_type is 'rcu-trace2'") && Contains(" srcu-fast ") &&
                                  Contains(" percpu-ref "));
}

TEST_CASE("there is a CPU to run on") {
    const auto cpus = usable_cpus();
    REQUIRE(cpus);
    CHECK_FALSE(cpus->empty());
}
