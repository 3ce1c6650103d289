#include "conform/written.h"

#include <catch2/catch.hpp>

using namespace ballast;
using namespace ballast::conform;

TEST_CASE("a text that the driver takes has its value for Ballast") {
    const auto [attribute, value, same] = GENERATE(table<Attribute, std::string, std::string>({
        {Attribute::oom_freed_kb, "abc", "0"},
        {Attribute::oom_freed_kb, "-1", "0"},
        {Attribute::disable, "abc", "0"},
        {Attribute::disable, "-1", "0"},
        {Attribute::disable, "1x", "1"},
        {Attribute::disable, "4294967296", "0"},
        {Attribute::disable, "4294967297", "1"},
        {Attribute::simulate_loan_target_kb, "0x8000", "32768"},
        {Attribute::simulate_loan_target_kb, "010000", "4096"},
        {Attribute::simulate_loan_target_kb, "+7", "7"},
        {Attribute::min_mem_mb, "17592186044416", "0"},
        {Attribute::min_mem_mb, "17592186044515", "99"},
        {Attribute::oom_kb, "0x10", "16"},
    }));
    const auto found = same_to_ballast(attribute, value);
    REQUIRE(found);
    CHECK(found->text == same);
    // And Ballast takes it.
    CHECK(parse_attribute(attribute, found->text));
}

TEST_CASE("what is beyond Ballast's range becomes the nearest, and says so") {
    const auto [attribute, value, same] = GENERATE(table<Attribute, std::string, std::string>({
        {Attribute::simulate_loan_target_kb, "18446744073709551615", "9007199254740992"},
        {Attribute::min_mem_mb, "8796093022209", "8796093022208"},
        {Attribute::delay, "0", "1"},
        {Attribute::delay, "4294968", "3600"},
        {Attribute::hotplug_delay, "5000", "3600"},
    }));
    const auto found = same_to_ballast(attribute, value);
    REQUIRE(found);
    CHECK(found->text == same);
    CHECK_FALSE(found->exact);
    CHECK(parse_attribute(attribute, found->text));
}

TEST_CASE("there is nothing the same to what the driver would have refused") {
    CHECK_FALSE(same_to_ballast(Attribute::disable, "2"));
    CHECK_FALSE(same_to_ballast(Attribute::min_mem_mb, "-1"));
    CHECK_FALSE(same_to_ballast(Attribute::delay, "1.5"));
    CHECK_FALSE(same_to_ballast(Attribute::simulate_loan_target_kb, "18446744073709551616"));
    CHECK_FALSE(same_to_ballast(Attribute::loaned_kb, "5"));
}
