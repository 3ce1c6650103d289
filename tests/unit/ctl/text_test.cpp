#include "ctl/text.h"

#include <catch2/catch.hpp>

using namespace ballast::ctl;

TEST_CASE("width counts columns, not bytes") {
    CHECK(display_width("") == 0);
    CHECK(display_width("db-1") == 4);
    CHECK(display_width("caf\xc3\xa9") == 4);
    CHECK(display_width("cafe\xcc\x81") == 4);              // combining accent
    CHECK(display_width("\xe6\x97\xa5\xe6\x9c\xac") == 4);  // two wide characters
    CHECK(display_width("\xf0\x9f\x98\x80") == 2);          // outside the basic plane
}

TEST_CASE("what a terminal would obey is made harmless") {
    CHECK(printable("plain \xc3\xa9") == "plain \xc3\xa9");
    CHECK(printable("\x1b[2J") == "\xef\xbf\xbd[2J");
    CHECK(printable("a\nb\tc") ==
          "a\xef\xbf\xbd"
          "b\xef\xbf\xbd"
          "c");
    CHECK(printable("a\nb", true) == "a\nb");
    CHECK(printable("\xc2\x9b") == "\xef\xbf\xbd");  // the one-character form of ESC [
    // The override of the direction, an isolate, a mark.
    CHECK(printable("\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8e") ==
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    CHECK(printable(std::string_view("a\0b", 3)) ==
          "a\xef\xbf\xbd"
          "b");
    CHECK(printable("\xff\xfe") == "\xef\xbf\xbd\xef\xbf\xbd");
    CHECK(printable("\xe6\x97") == "\xef\xbf\xbd\xef\xbf\xbd");  // cut short
}

TEST_CASE("text is shortened to whole characters") {
    CHECK(shorten("abcdef", 6) == "abcdef");
    CHECK(shorten("abcdef", 4) == "abc\xe2\x80\xa6");
    CHECK(shorten("abcdef", 1) == "\xe2\x80\xa6");
    CHECK(shorten("abcdef", 0).empty());
    CHECK(shorten("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4) == "\xe6\x97\xa5\xe2\x80\xa6");
}
