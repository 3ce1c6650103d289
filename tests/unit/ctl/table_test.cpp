#include "ctl/table.h"

#include <catch2/catch.hpp>

using namespace ballast::ctl;

namespace {

Table sample() {
    Table table({{"NAME", Align::left, Fit::cut},
                 {"SIZE", Align::right},
                 {"EXTRA", Align::right, Fit::drop},
                 {"STATE", Align::left}});
    table.add({{"a"}, {"1 GiB"}, {"7"}, {""}});
    table.add({{"a-rather-long-name"}, {"512 MiB"}, {"8"}, {"paused", Colour::yellow}});
    return table;
}

}  // namespace

TEST_CASE("columns line up, and no line ends with blanks") {
    CHECK(sample().render({}) ==
          "NAME                   SIZE  EXTRA  STATE\n"
          "a                     1 GiB      7\n"
          "a-rather-long-name  512 MiB      8  paused\n");
}

TEST_CASE("columns line up by what is seen, not by bytes") {
    Table table({{"NAME"}, {"N", Align::right}});
    table.add({{"caf\xc3\xa9"}, {"1"}});
    table.add({{"\xe6\x97\xa5\xe6\x9c\xac"}, {"22"}});
    CHECK(table.render({}) == "NAME   N\ncaf\xc3\xa9   1\n\xe6\x97\xa5\xe6\x9c\xac  22\n");
}

TEST_CASE("a narrow terminal first loses columns, then text") {
    CHECK(sample().render({true, false, 36}) ==
          "NAME                   SIZE  STATE\n"
          "a                     1 GiB\n"
          "a-rather-long-name  512 MiB  paused\n");
    CHECK(sample().render({true, false, 30}) ==
          "NAME              SIZE  STATE\n"
          "a                1 GiB\n"
          "a-rather-lon\xe2\x80\xa6  512 MiB  paused\n");
}

TEST_CASE("a terminal that is too narrow for anything keeps what matters") {
    const std::string text = sample().render({true, false, 5});
    CHECK(text.find("a-rathe\xe2\x80\xa6  512 MiB  paused\n") != std::string::npos);
}

TEST_CASE("colours appear only where they are wanted, and do not move columns") {
    const std::string plain = sample().render({});
    CHECK(plain.find('\033') == std::string::npos);
    std::string coloured = sample().render({true, true, 0});
    CHECK(coloured.find("\033[33mpaused\033[0m") != std::string::npos);
    while (coloured.find('\033') != std::string::npos) {
        const auto at = coloured.find('\033');
        coloured.erase(at, coloured.find('m', at) - at + 1);
    }
    CHECK(coloured == plain);
}

TEST_CASE("a cell cannot break its line") {
    Table table({{"NAME"}});
    table.add({{"a\nb\033[31m"}});
    CHECK(table.render({}) ==
          "NAME\na\xef\xbf\xbd"
          "b\xef\xbf\xbd[31m\n");
}
