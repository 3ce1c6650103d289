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

TEST_CASE("every unit is read in any case, with and without its letters") {
    const auto [unit, factor] = GENERATE(table<std::string, std::uint64_t>(
        {{"", 1}, {"k", kKiB}, {"m", kMiB}, {"g", kGiB}, {"t", 1024 * kGiB}, {"p", kMiB * kGiB}}));
    for (const std::string ending : {"", "b", "B", "ib", "iB"}) {
        if (unit.empty() && ending.size() == 2) continue;  // "ib" alone is none
        CAPTURE(unit, ending);
        REQUIRE(parse_size("3" + unit + ending));
        CHECK(*parse_size("3" + unit + ending) == 3 * factor);
        CHECK(*parse_size("3 " + unit + ending) == 3 * factor);
    }
    CHECK_FALSE(parse_size("3ib"));
    CHECK_FALSE(parse_size("3e"));
}

TEST_CASE("a fraction is taken where it comes to whole bytes") {
    CHECK(*parse_size("0.5K") == 512);
    CHECK(*parse_size("0.001953125M") == 2048);
    CHECK_FALSE(parse_size("0.0001K"));
    CHECK(*parse_size("1.0") == 1);
    CHECK(*parse_size("8191.5P") == 8191 * kMiB * kGiB + kMiB * kGiB / 2);
    CHECK_FALSE(parse_size("8192.5P"));
}

TEST_CASE("a refusal tells what was found") {
    CHECK(parse_size("12 apples").error().context ==
          "'12 apples' is not understood; expected a size such as 256MiB, 1G, 4096KiB or bytes");
    CHECK(parse_size("9223372036854775808").error().context.find("too large") != std::string::npos);
    CHECK(parse_duration("").error().context ==
          "'' is not understood; expected a time such as 200ms, 1.5s, 10m, 2h or seconds");
}

TEST_CASE("durations are read to the nanosecond and up to a century") {
    CHECK(*parse_duration("1ns") == 1ns);
    CHECK(*parse_duration("2.5us") == 2500ns);
    CHECK(*parse_duration("0") == 0ns);
    CHECK(*parse_duration(" 7 S ") == 7s);
    CHECK(*parse_duration("36525d") == 24h * 36525);
    for (const std::string text : {"36526d", "99999999999999999999s", "0.5ns", "ms", "1s2", "--1"})
        CHECK_FALSE(parse_duration(text));
}

TEST_CASE("what is shown is read as the same again") {
    for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1}, 1023 * kKiB, 3 * kGiB,
                                      1024 * kGiB, 8191 * kMiB * kGiB})
        CHECK(*parse_size(format_size(bytes)) == bytes);
    for (const Duration time : {Duration(0ms), Duration(999ms), Duration(1500ms), Duration(59s)})
        CHECK(*parse_duration(format_duration(time)) == time);
}

TEST_CASE("sizes and durations are shown at their edges") {
    CHECK(format_size(1024) == "1 KiB");
    CHECK(format_size(1025) == "1.00 KiB");
    CHECK(format_size(UINT64_MAX) == "16384.00 PiB");
    CHECK(format_signed_size(0) == "+0 B");
    CHECK(format_signed_size(INT64_MAX) == "+8192.00 PiB");
    CHECK(format_duration(999'999ns) == "999us");
    CHECK(format_duration(999ns) == "0ms");
    CHECK(format_duration(1s) == "1s");
    CHECK(format_duration(60s) == "1m");
    CHECK(format_duration(25h + 1ms) == "1d1h0.001s");
    CHECK(format_duration(24h * 36525) == "36525d");
}
