#include "compare/report.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/units.h"

using namespace ballast;
using namespace ballast::compare;

TEST_CASE("a comparison is told with stable names, in GiB, hours and percent") {
    RunResult result;
    result.policy = "static";
    result.overcommit = 1.5;
    result.demand = {0.25, 2};
    result.host_bytes = 3 * kGiB;
    result.totals.guest_s = 7200;
    result.totals.guest_stall_s = 36;
    result.totals.host_stall_s = 36;
    result.totals.guest_ooms = 1;
    result.totals.host_ooms = 2;
    result.totals.guest_faulted = 5 * 4096;
    result.totals.host_faulted = 7 * 4096;
    result.totals.moved = 0.5 * kGiB;
    result.totals.lent_byte_s = 3600.0 * 4 * static_cast<double>(kGiB);
    const auto json = nlohmann::json::parse(comparison_json({{"in.csv", {result}}}));
    const auto& run = json.at("results").at(0);
    CHECK(run.at("input") == "in.csv");
    CHECK(run.at("policy") == "static");
    CHECK(run.at("overcommit") == 1.5);
    CHECK(run.at("floor_percent") == 25);
    CHECK(run.at("k") == 2);
    CHECK(run.at("stall_percent") == 1);
    CHECK(run.at("guest_stall_percent") == 0.5);
    CHECK(run.at("host_stall_percent") == 0.5);
    CHECK(run.at("ooms") == 3);
    CHECK(run.at("host_ooms") == 2);
    CHECK(run.at("faults") == 12);
    CHECK(run.at("moved_gib") == 0.5);
    CHECK(run.at("lent_gib_hours") == 4);
    CHECK(run.at("host_gib") == 3);
    CHECK(run.at("domain_hours") == 2);
    CHECK(run.at("on_front") == true);
    CHECK_FALSE(run.contains("samples"));
    CHECK(json.at("density") == nlohmann::json::array({{{"input", "in.csv"},
                                                        {"policy", "static"},
                                                        {"floor_percent", 25.0},
                                                        {"k", 2.0},
                                                        {"density", 0.0}}}));
}

TEST_CASE("samples are told where they were asked for") {
    RunResult result;
    result.samples.push_back({60, 1, 2, 3, 4, 0.5, 5, 6, 7, 8, 9});
    const auto json = nlohmann::json::parse(comparison_json({{"in.csv", {result}}}));
    CHECK(json.at("results").at(0).at("samples") ==
          nlohmann::json::array({{{"at_s", 60.0},
                                  {"lent_bytes", 1},
                                  {"demand_bytes", 2},
                                  {"resident_bytes", 3},
                                  {"host_swapped_bytes", 4},
                                  {"stall_percent", 0.5},
                                  {"unused_bytes", 5},
                                  {"usable_bytes", 6},
                                  {"cache_bytes", 7},
                                  {"guest_faults", 8},
                                  {"guest_ooms", 9}}}));
}
