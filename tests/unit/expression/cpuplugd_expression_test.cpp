#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

#include "expression/cpuplugd_eval.h"
#include "expression/cpuplugd_parse.h"

using namespace ballast::cpuplugd;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// MemFree was 100, and 10 less with each sample before that.
class Some final : public History {
  public:
    std::optional<double> figure(Op source, std::string_view name,
                                 std::uint32_t back) const override {
        if (source != Op::meminfo || name != "MemFree") return std::nullopt;
        return 100 - 10 * static_cast<double>(back);
    }
};

std::string tree(std::string_view text, const Variables& variables = {}) {
    const Parsed parsed = parse(text, variables);
    if (parsed.outcome == Parsed::Outcome::exit) return "exit";
    return parsed.term ? to_string(*parsed.term) : "rest " + std::to_string(parsed.rest);
}

std::string value(std::string_view text) {
    const Parsed parsed = parse(text, {});
    REQUIRE(parsed.term);
    const Number number = number_of(*parsed.term, {}, Some());
    if (number.stop != Stop::none) return number.stop == Stop::trap ? "trap" : "exit";
    return std::to_string(number.value);
}

bool traps(Op op, double a, double b) {
    return calculate(op, a, b).stop == Stop::trap;
}

}  // namespace

TEST_CASE("cpuplugd's signs take all that follows at their precedence") {
    CHECK(tree("-time+4") == "-((time[0]) + (4.000000))");
    CHECK(tree("!time&idle") == "!((time[0]) & (idle))");
    CHECK(tree("!time|idle") == "!((time[0]) | (idle))");
    CHECK(tree("2*-idle+4") == "((2.000000) * (-(idle))) + (4.000000)");
    CHECK(tree("-3+4") == "(-3.000000) + (4.000000)");
}

TEST_CASE("cpuplugd's numbers are scanf's") {
    CHECK(tree("0x1p3") == "8.000000");
    CHECK(tree("1e*2") == "(1.000000) * (2.000000)");
    CHECK(tree("1e400") == "inf");
    CHECK(tree("0x") == "rest 2");
    CHECK(tree("-0x") == "rest 2");
    CHECK(tree(".5") == "rest 2");
    CHECK(tree("1..5") == "rest 2");
}

TEST_CASE("cpuplugd finds names by their beginning") {
    CHECK(tree("username") == "rest 4");
    CHECK(tree("guest_nice+guest") == "(guest_nice) + (guest)");
    CHECK(tree("meminfo.") == "meminfo.[0]");
    CHECK(tree("vmstat.pgsteal_dma32") == "rest 2");
    CHECK(tree("cpustat.user[12]") == "cpustat.user[12]");
    CHECK(tree("time[1") == "rest 6");
    CHECK(tree("meminfo.a[4294967297]") == "meminfo.a[1]");
}

TEST_CASE("a variable stands for its text in parentheses, and wins over cpuplugd's names") {
    Variables variables;
    REQUIRE(variables.add("a", "1+2"));
    REQUIRE(variables.add("idle_", "7"));
    REQUIRE(variables.add("broken", "1+"));
    REQUIRE(variables.add("more", "1]"));
    REQUIRE(variables.add("empty", ""));
    REQUIRE(variables.add("self", "self+1"));
    CHECK(tree("a*2", variables) == "((1.000000) + (2.000000)) * (2.000000)");
    CHECK(tree("idle_", variables) == "7.000000");
    CHECK(tree("broken", variables) == "exit");
    CHECK(tree("more", variables) == "exit");
    CHECK(tree("empty+1", variables) == "rest 7");
    CHECK(tree("self", variables) == "exit");
    CHECK_FALSE(variables.add("a", "3"));
    CHECK_FALSE(variables.add("idle", "3"));
    CHECK_FALSE(variables.add(std::string(129, 'x'), "3"));
    CHECK(tree(std::string(128, 'x')) == "rest 128");
    CHECK(tree(std::string(129, 'x')) == "exit");
}

TEST_CASE("an expression that grows without end is given up") {
    Variables variables;
    REQUIRE(variables.add("a0", "1+1"));
    for (int i = 1; i < 40; ++i) {
        const std::string last = "a" + std::to_string(i - 1);
        REQUIRE(variables.add("a" + std::to_string(i), last + "+" + last));
    }
    CHECK(tree("a39", variables) == "exit");
    CHECK(tree(std::string(600, '(') + "1") == "exit");
    CHECK(parse(std::string(600, '-') + "1", {}).outcome == Parsed::Outcome::exit);
}

TEST_CASE("a text that does not parse has a place for people") {
    CHECK(parse("1+", {}).column == 3);
    CHECK(parse("freemem[1]", {}).column == 8);
    CHECK(parse("1+(2", {}).column == 5);
    Variables variables;
    REQUIRE(variables.add("a", "2*"));
    const Parsed parsed = parse("1+a", variables);
    CHECK(parsed.column == 3);
    CHECK(parsed.variable == "a");
}

TEST_CASE("cpuplugd ends at a figure that is not there, and at a comparison within a sum") {
    CHECK(value("meminfo.MemFree[2]") == "80.000000");
    CHECK(value("meminfo.Memfree") == "exit");
    CHECK(value("1+(2>1)") == "exit");
    CHECK(value("1/0+meminfo.Nope") == "trap");
    CHECK(value("meminfo.Nope+1/0") == "exit");
}

TEST_CASE("cpuplugd's floating-point traps are found from the numbers") {
    CHECK(traps(Op::divide, 1, 0));
    CHECK(traps(Op::divide, 0, 0));
    CHECK(traps(Op::times, 1e200, 1e200));
    CHECK(traps(Op::minus, kInfinity, kInfinity));
    CHECK(traps(Op::times, 0, kInfinity));
    CHECK_FALSE(traps(Op::divide, kInfinity, 0));
    CHECK_FALSE(traps(Op::divide, 1, kInfinity));
    CHECK_FALSE(traps(Op::plus, kInfinity, 1));
    CHECK_FALSE(traps(Op::times, 0, 5));
    CHECK_FALSE(traps(Op::minus, 5, 5));
}

TEST_CASE("an underflow traps on every tiny result, exact or not") {
    constexpr double least = std::numeric_limits<double>::min();
    CHECK(traps(Op::times, 1e-200, 1e-200));
    CHECK(traps(Op::divide, 1e-308, 1e10));
    CHECK(traps(Op::times, least, 0.5));
    CHECK(traps(Op::plus, 5e-324, 5e-324));
    CHECK(traps(Op::minus, 3e-310, 1e-310));
    // Rounded up to the least normal number, and tiny before that.
    CHECK(traps(Op::times, 0x1.fffffffffffffp-1, least));
    CHECK(traps(Op::divide, 0x1.fffffffffffffp-1022, 2));
    CHECK_FALSE(traps(Op::times, 0x1.fffffffffffffp-512, 0x1.0000000000001p-511));
    CHECK_FALSE(traps(Op::divide, least, 1));
    CHECK_FALSE(traps(Op::minus, 2 * least, least));
}

TEST_CASE("a number that is no long traps") {
    CHECK(whole_of(-99.99).value == -99);
    CHECK(whole_of(0x1p63).stop == Stop::trap);
    CHECK(whole_of(-0x1p63).stop == Stop::none);
    CHECK(whole_of(kInfinity).stop == Stop::trap);
    CHECK(whole_of(std::nan("")).stop == Stop::trap);
}
