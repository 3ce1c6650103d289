#include "base/units.h"

#include <catch2/catch.hpp>
#include <string>

using namespace ballast;
using namespace std::chrono_literals;

TEST_CASE("sizes are read with and without units") {
    const auto [text, bytes] = GENERATE(table<std::string, std::uint64_t>({
        {"0", 0},
        {"512", 512},
        {"4096KiB", 4096 * kKiB},
        {"256MiB", 256 * kMiB},
        {"256 mb", 256 * kMiB},
        {"1G", kGiB},
        {"1.5GiB", 1536 * kMiB},
        {"2t", 2048 * kGiB},
        {"9223372036854775807", 9223372036854775807ULL},
    }));
    CAPTURE(text);
    REQUIRE(parse_size(text));
    CHECK(*parse_size(text) == bytes);
}

TEST_CASE("what is no size is refused with what was expected") {
    const auto text = GENERATE(as<std::string>{}, "", " ", "MiB", "-1", "+1", "1.2.3G", "1.G",
                               "0x10", "12 apples", "9223372036854775808", "8388608TiB", "0.3",
                               "1e9", "99999999999999999999999", "1.0000000001G");
    CAPTURE(text);
    const auto size = parse_size(text);
    REQUIRE_FALSE(size);
    CHECK(size.error().context.find("256MiB") != std::string::npos);
}

TEST_CASE("durations are read with and without units") {
    CHECK(*parse_duration("5") == 5s);
    CHECK(*parse_duration("1.5s") == 1500ms);
    CHECK(*parse_duration("200ms") == 200ms);
    CHECK(*parse_duration("10m") == 10min);
    CHECK(*parse_duration("2h") == 2h);
    CHECK(*parse_duration("1d") == 24h);
    CHECK_FALSE(parse_duration("-1s"));
    CHECK_FALSE(parse_duration("1w"));
    CHECK_FALSE(parse_duration("40000d"));
}

TEST_CASE("sizes are shown in the largest unit that fits") {
    CHECK(format_size(0) == "0 B");
    CHECK(format_size(1023) == "1023 B");
    CHECK(format_size(256 * kMiB) == "256 MiB");
    CHECK(format_size(1536 * kMiB) == "1.50 GiB");
    CHECK(format_signed_size(-static_cast<std::int64_t>(kGiB)) == "-1 GiB");
    CHECK(format_signed_size(INT64_MIN) == "-8192 PiB");
}

TEST_CASE("durations are shown in the shortest exact form") {
    CHECK(format_duration(0ms) == "0ms");
    CHECK(format_duration(200ms) == "200ms");
    CHECK(format_duration(1500ms) == "1.5s");
    CHECK(format_duration(90s) == "1m30s");
    CHECK(format_duration(24h) == "1d");
}
