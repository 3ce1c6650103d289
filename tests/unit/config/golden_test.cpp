// Every broken file gets exactly the messages that stand in the golden file beside it. With
// BALLAST_UPDATE_GOLDEN set, the golden files are written instead, and the test fails.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "config/config.h"
#include "tests/unit/config/files.h"

using namespace ballast;

TEST_CASE("every broken file is answered with its golden messages") {
    const auto broken = test::files_in(test::data("broken"), ".yaml");
    REQUIRE(broken.size() >= 40);
    for (const auto& path : broken) {
        const std::string name = path.filename().string();
        INFO(name);
        const auto result = parse_config(test::read_file(path), name);
        const auto* const problems = std::get_if<ConfigProblems>(&result);
        REQUIRE(problems != nullptr);
        CHECK_FALSE(problems->items.empty());

        auto golden = path;
        golden.replace_extension(".golden");
        if (std::getenv("BALLAST_UPDATE_GOLDEN") != nullptr) {
            std::ofstream(golden, std::ios::binary) << problems->text();
            FAIL_CHECK("golden file written, not compared");
        }
        CHECK(std::filesystem::exists(golden));
        CHECK(problems->text() == test::read_file(golden));
    }
}

TEST_CASE("no golden file is left without its broken file") {
    for (auto path : test::files_in(test::data("broken"), ".golden")) {
        path.replace_extension(".yaml");
        INFO(path);
        CHECK(std::filesystem::exists(path));
    }
}

TEST_CASE("problems come in the order of the file") {
    for (const auto& path : test::files_in(test::data("broken"), ".yaml")) {
        INFO(path);
        const auto result = parse_config(test::read_file(path), "x");
        const auto& items = std::get<ConfigProblems>(result).items;
        CHECK(std::is_sorted(items.begin(), items.end(), [](const auto& a, const auto& b) {
            return std::pair(a.line, a.column) < std::pair(b.line, b.column);
        }));
    }
}
