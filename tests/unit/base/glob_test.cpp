#include "base/glob.h"

#include <catch2/catch.hpp>

using namespace ballast;

TEST_CASE("globs are told from names, and unfinished ones from sound ones") {
    CHECK_FALSE(is_glob("db-1"));
    CHECK(is_glob("db-?"));
    const auto [pattern, sound] = GENERATE(table<std::string, bool>({
        {"db-*", true},
        {"db-[0-9]", true},
        {"db-[!a]", true},
        {"db-[]]", true},
        {"db-\\*", true},
        {"db-[", false},
        {"db-[]", false},
        {"db-[!]", false},
        {"db-\\", false},
    }));
    CAPTURE(pattern);
    CHECK(glob_problem(pattern).empty() == sound);
}

TEST_CASE("a glob matches as the shell's do") {
    CHECK(glob_matches("db-*", "db-1"));
    CHECK(glob_matches("db-[0-9]", "db-7"));
    CHECK_FALSE(glob_matches("db-?", "db-10"));
    CHECK(glob_matches("plain", "plain"));
}
