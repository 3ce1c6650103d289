#include "base/escape.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/log.h"

using namespace ballast;

TEST_CASE("what a reader would obey is escaped, and all else stays") {
    CHECK(escaped("plain \xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80 \\ \"") ==
          "plain \xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80 \\ \"");
    CHECK(escaped("a\nb\tc\r\x1b[2J\x7f") == "a\\nb\\tc\\x0d\\x1b[2J\\x7f");
    CHECK(escaped(std::string_view("a\0b", 3)) == "a\\x00b");
    CHECK(escaped("\xc2\x9b") == "\\x9b");  // the one-character form of ESC [
    // Right-to-left override, isolate, mark; Arabic letter mark; line separator.
    CHECK(escaped("a\xe2\x80\xae"
                  "b") == "a\\u202eb");
    CHECK(escaped("\xe2\x81\xa6\xe2\x80\x8f\xd8\x9c\xe2\x80\xa8") ==
          "\\u2066\\u200f\\u061c\\u2028");
    CHECK(escaped("\xff\xe6\x97") == "\\xff\\xe6\\x97");
    CHECK(escaped("\xc0\xaf\xed\xa0\x80") == "\\xc0\\xaf\\xed\\xa0\\x80");  // overlong, surrogate
    CHECK(escaped("").empty());
}

TEST_CASE("characters are read whole") {
    CHECK(utf8_at("\xf0\x9f\x98\x80", 0).code == 0x1f600);
    CHECK(utf8_at("\xf4\x8f\xbf\xbf", 0).code == 0x10ffff);
    CHECK(utf8_at("\xf4\x90\x80\x80", 0).size == 0);
    CHECK(utf8_at("x\xd8\x9c", 1).size == 2);
}

TEST_CASE("a line of the log is one line, whatever name is in it") {
    std::vector<std::string> lines;
    {
        const log::Redirect redirect(
            [&](log::Level, std::string_view line) { lines.emplace_back(line); });
        log::info("{}: lends", "vm\n<3>forged\x1b[2J\xe2\x80\xae");
    }
    CHECK(lines == std::vector<std::string>{"vm\\n<3>forged\\x1b[2J\\u202e: lends"});
}
