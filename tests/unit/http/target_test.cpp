#include "controller/http/target.h"

#include <catch2/catch.hpp>

using namespace ballast;

TEST_CASE("a target is split before it is decoded") {
    const auto target = parse_target("/api/v1/domains/a%2Fb%20c?limit=3&offset=%34");
    REQUIRE(target);
    CHECK(target->segments == std::vector<std::string>{"api", "v1", "domains", "a/b c"});
    REQUIRE(target->query.size() == 2);
    CHECK(target->query[0] == std::pair<std::string, std::string>("limit", "3"));
    CHECK(target->query[1] == std::pair<std::string, std::string>("offset", "4"));
}

TEST_CASE("a query may be empty and a parameter may lack a value") {
    CHECK(parse_target("/x?")->query.empty());
    CHECK(parse_target("/x?a")->query[0].second.empty());
    CHECK(parse_target("/x?=")->query.size() == 1);
}

TEST_CASE("broken targets are refused") {
    const std::string raw = GENERATE(as<std::string>{}, "", "x", "*", "http://host/x", "/%", "/%4",
                                     "/%zz", "/%-1", "/a%", "/x?%", "/x?a=%1", "/%+1");
    INFO(raw);
    const auto target = parse_target(raw);
    REQUIRE_FALSE(target);
    CHECK(target.error().code == Errc::invalid_argument);
}

TEST_CASE("every byte survives being encoded and decoded") {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
    const auto target = parse_target("/" + encode_segment(all));
    REQUIRE(target);
    REQUIRE(target->segments.size() == 1);
    CHECK(target->segments[0] == all);
}
