#include "bus/record_json.h"

#include <catch2/catch.hpp>
#include <cstddef>

using namespace ballast;

TEST_CASE("what a record of an older version lacks is null, and what it has is told") {
    ballast_bus_record record{};
    record.type = BALLAST_BUS_TICK;
    record.payload.tick.tick = 7;
    record.payload.tick.host_stall_ns = 1'500'000'000;
    record.size = sizeof(ballast_bus_tick);
    CHECK((*record_json(record))["host_stall_seconds"] == 1.5);
    record.size = offsetof(ballast_bus_tick, host_total_bytes);
    const auto tick = record_json(record);
    REQUIRE(tick);
    CHECK((*tick)["tick"] == 7);
    CHECK((*tick)["host_total_bytes"].is_null());
    CHECK((*tick)["host_reserve_bytes"].is_null());
    CHECK((*tick)["host_stall_seconds"].is_null());
    --record.size;
    CHECK_FALSE(record_json(record));

    record.type = BALLAST_BUS_GUEST;
    record.size = sizeof(ballast_bus_guest);
    record.payload.guest = {};
    record.payload.guest.major_faults = 9;
    CHECK((*record_json(record))["major_faults"] == 9);
    record.size = offsetof(ballast_bus_guest, cache_bytes);
    const auto guest = record_json(record);
    REQUIRE(guest);
    CHECK((*guest)["usable_bytes"] == 0);
    CHECK((*guest)["cache_bytes"].is_null());
    CHECK((*guest)["major_faults"].is_null());
    CHECK((*guest)["shares"].is_null());
    --record.size;
    CHECK_FALSE(record_json(record));
}
