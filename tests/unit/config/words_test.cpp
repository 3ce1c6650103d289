// Nearest words and text for messages.
#include <catch2/catch.hpp>

#include "config/nearest.h"
#include "config/text.h"

using namespace ballast;

TEST_CASE("a slip finds the word that was meant") {
    const std::vector<std::string_view> words{"delay", "hotplug_delay", "min_mem_mb", "oom_kb"};
    const auto [slip, meant] = GENERATE(table<std::string, std::string>({
        {"dealy", "delay"},          // swapped
        {"dela", "delay"},           // left out
        {"delayy", "delay"},         // doubled
        {"deley", "delay"},          // another letter
        {"min_mem", "min_mem_mb"},   // half of it
        {"minMemMb", "min_mem_mb"},  // another habit
        {"min-mem-mb", "min_mem_mb"},
        {"HOTPLUG_DELAY", "hotplug_delay"},
        {"oom_mb", "oom_kb"},
        {"interval", ""},  // nothing near
        {"x", ""},
        {"", ""},
    }));
    CAPTURE(slip);
    CHECK(nearest(slip, words) == meant);
}

TEST_CASE("nothing is near when there is nothing, and giants are near to nothing") {
    CHECK(nearest("delay", {}).empty());
    CHECK(nearest(std::string(100'000, 'd'), {"delay"}).empty());
}

TEST_CASE("text is shown short, whole characters only, without controls") {
    CHECK(shown("plain") == "plain");
    CHECK(shown("a\tb\nc\x7f") == "a?b?c?");
    CHECK(shown("a\xe2\x80\xae\xc2\x9bz") == "a??z");
    CHECK(shown(std::string(65, 'x')) == std::string(64, 'x') + "...");
    CHECK(shown(std::string(63, 'x') + "\xc3\xa9") == std::string(63, 'x') + "...");
}

TEST_CASE("what is not UTF-8 is found where it begins") {
    const auto [text, offset] = GENERATE(table<std::string, std::size_t>({
        {"plain", std::string::npos},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", std::string::npos},
        {"a\xff", 1},
        {"ab\xc3", 2},            // cut off
        {"\xc0\xaf", 0},          // overlong
        {"\xe0\x80\xaf", 0},      // overlong
        {"\xed\xa0\x80", 0},      // surrogate
        {"\xf4\x90\x80\x80", 0},  // above U+10FFFF
        {"x\xe2\x82x", 1},
    }));
    CAPTURE(text);
    CHECK(find_non_utf8(text) == offset);
}

TEST_CASE("a place counts lines and columns from one") {
    CHECK(place_of("ab\ncd", 0).column == 1);
    CHECK(place_of("ab\ncd", 4).line == 2);
    CHECK(place_of("ab\ncd", 4).column == 2);
    CHECK(place_of("ab\ncd", 3).column == 1);
}
