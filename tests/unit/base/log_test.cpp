#include "base/log.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace ballast;

TEST_CASE("a redirect takes the lines for as long as it lives, and the innermost takes them") {
    std::vector<std::string> outer;
    std::vector<std::string> inner;
    const log::Redirect to_outer(
        [&](log::Level, std::string_view line) { outer.emplace_back(line); });
    {
        const log::Redirect to_inner([&](log::Level level, std::string_view line) {
            CHECK(level == log::Level::error);
            inner.emplace_back(line);
        });
        log::error("to the {}", "inner");
    }
    log::warn("to the outer");
    CHECK(outer == std::vector<std::string>{"to the outer"});
    CHECK(inner == std::vector<std::string>{"to the inner"});
}

TEST_CASE("lines below the level do not reach a redirect, and its end brings the level back") {
    std::vector<std::string> lines;
    const auto keep = [&](log::Level, std::string_view line) { lines.emplace_back(line); };
    const log::Redirect outer(keep);
    log::set_level(log::Level::warn);
    {
        const log::Redirect inner(keep);
        log::set_level(log::Level::debug);
        log::debug("told");
    }
    CHECK_FALSE(log::enabled(log::Level::info));
    log::info("not told");
    CHECK(lines == std::vector<std::string>{"told"});
}
