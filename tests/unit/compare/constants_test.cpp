#include "compare/constants.h"
#include "config/settings.h"
#include "tests/paths.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

using namespace ballast;
using namespace ballast::compare;

TEST_CASE("every constant can be set by its name, within its range, and changes nothing else") {
    const Constants defaults;
    for (const ConstantEntry& entry : constant_catalogue()) {
        INFO(entry.name);
        const double by_default = entry.get(defaults);
        CHECK(by_default >= entry.least);
        CHECK(by_default <= entry.most);
        const double other = by_default == entry.least ? entry.most : entry.least;
        Constants constants;
        REQUIRE(set_constant(constants, std::string(entry.name) + "=" + std::to_string(other)));
        CHECK(entry.get(constants) == Approx(other));
        for (const ConstantEntry& rest : constant_catalogue())
            if (rest.name != entry.name) CHECK(rest.get(constants) == rest.get(defaults));
    }
}

TEST_CASE(
    "a constant that is unknown, no number or out of range is refused with what was expected") {
    Constants constants;
    const auto why = [&constants](const std::string& text) {
        const auto set = set_constant(constants, text);
        return set ? "none" : set.error().context;
    };
    CHECK(why("speed=1").find("'speed=1', expected NAME=VALUE with one of turnover_s,") == 0);
    CHECK(why("turnover_s").find("expected NAME=VALUE") != std::string::npos);
    CHECK(why("turnover_s=0") == "'turnover_s=0', expected turnover_s from 1 to 86400");
    CHECK(why("turnover_s=nan").find("expected turnover_s from") != std::string::npos);
    CHECK(why("turnover_s=5s").find("expected turnover_s from") != std::string::npos);
    CHECK(why("turnover_s=").find("expected turnover_s from") != std::string::npos);
}

TEST_CASE("a guest counts as short at what the daemon takes for short by default") {
    const Constants constants;
    const GuestSettings daemon;
    CHECK(constants.short_below_bytes == daemon.surge_below_bytes);
    CHECK(constants.short_below_percent == daemon.surge_below_percent);
}

TEST_CASE("the simulator's document gives every constant with its default") {
    std::stringstream text;
    text << std::ifstream(source_dir() + "/docs/simulator.md").rdbuf();
    const Constants defaults;
    for (const ConstantEntry& entry : constant_catalogue()) {
        std::ostringstream row;
        row << "| `" << entry.name << "` | " << entry.get(defaults) << " |";
        INFO(row.str());
        CHECK(text.str().find(row.str()) != std::string::npos);
    }
}
