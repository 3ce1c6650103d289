#include <catch2/catch.hpp>

#include "http_fixture.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("a reservation reaches the controller, ten minutes long where nothing else is said") {
    ApiFixture fixture;
    CHECK(fixture.json("POST", "/api/v1/reservations", R"({"bytes":"4096"})")["id"] == 3);
    CHECK(fixture
              .send("POST", "/api/v1/reservations",
                    R"({"bytes":"1","domain":"db 1","expires_seconds":"1.5"})")
              .status == 200);
    CHECK(fixture.control.log ==
          std::vector<std::string>{"reserve 4096 for '' 10m", "reserve 1 for 'db 1' 1.5s"});
}

TEST_CASE("reservations that say nothing useful are refused") {
    ApiFixture fixture;
    const std::string body = GENERATE(
        as<std::string>{}, "", "{}", R"({"bytes":""})", R"({"bytes":"-1"})", R"({"bytes":"1.5"})",
        R"({"bytes":1})", R"({"bytes":"1","expires_seconds":"soon"})",
        R"({"bytes":"1","expires_seconds":"1e300"})", R"({"bytes":"1","expires_seconds":"nan"})",
        R"({"bytes":"1","expires_seconds":"-1"})", R"({"bytes":"1","size":"2"})");
    INFO(body);
    CHECK(fixture.send("POST", "/api/v1/reservations", body).status == 400);
    CHECK(fixture.control.log.empty());
}

TEST_CASE("a reservation is cancelled by its number") {
    ApiFixture fixture;
    CHECK(fixture.json("DELETE", "/api/v1/reservations/3")["cancelled"] == true);
    CHECK(fixture.send("DELETE", "/api/v1/reservations/4").status == 404);
    CHECK(fixture.send("DELETE", "/api/v1/reservations/x").status == 400);
    CHECK(fixture.control.log == std::vector<std::string>{"cancel 3"});
}

TEST_CASE("reservations are told as the controller has them") {
    ApiFixture fixture;
    Reservation one;
    one.id = 9;
    one.bytes = 4 * kGiB;
    one.outstanding_bytes = kGiB;
    one.domain = kOddName;
    one.expires_at = fixture.clock.now() + std::chrono::seconds(30);
    one.ready = true;
    fixture.control.reserved = {{one}, 5 * kGiB};
    const auto answer = fixture.json("GET", "/api/v1/reservations");
    CHECK(answer["available_bytes"] == 5 * kGiB);
    const auto told = answer["reservations"];
    REQUIRE(told.size() == 1);
    CHECK(told[0]["id"] == 9);
    CHECK(told[0]["outstanding_bytes"] == kGiB);
    CHECK(told[0]["domain"] == kOddName);
    CHECK(told[0]["ready"] == true);
    CHECK(told[0]["expires_in_seconds"] == 30);
    // Nor does it wait for a loop that hangs.
    fixture.control.broken = Error{Errc::busy, "no luck", 0};
    CHECK(fixture.send("GET", "/api/v1/reservations").status == 200);
}
