#include "sim/domain_names.h"

#include <catch2/catch.hpp>

using namespace ballast;

TEST_CASE("domains are expanded in the file's order") {
    std::vector<ScenarioDomain> domains(3);
    domains[0].name = "db";
    domains[1].name = "web";
    domains[1].count = 3;
    domains[2].name = "none";
    domains[2].count = 0;
    const auto all = expand_domains(domains);
    REQUIRE(all.size() == 4);
    CHECK(all[0].name == "db");
    CHECK(all[1].name == "web1");
    CHECK(all[3].name == "web3");
    CHECK(all[3].spec == 1);
}

TEST_CASE("a pattern is a name, a glob, or nothing for all") {
    CHECK(matches_domain("", "g1"));
    CHECK(matches_domain("g1", "g1"));
    CHECK_FALSE(matches_domain("g1", "g10"));
    CHECK(matches_domain("g?", "g1"));
    CHECK(matches_domain("db-*", "db-"));
    CHECK_FALSE(matches_domain("db-*", "xdb-1"));
}
