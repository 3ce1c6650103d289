#include "expression/rules_expression.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

using namespace ballast;
using namespace ballast::rules;

namespace {

constexpr std::array<std::string_view, 3> kNames{"free", "host.free", "faults"};
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

// free: 100, 90, 80 ...; host.free: 7; faults are not known.
class Some final : public Samples {
  public:
    double figure(std::size_t name, std::uint32_t back) const override {
        if (name == 0) return 100 - 10 * static_cast<double>(back);
        return name == 1 ? 7 : kUnknown;
    }
};

double number(std::string_view text) {
    const Result<Expression> read = parse(text, Kind::number, kNames);
    INFO(text);
    if (!read) FAIL(read.error().message());
    return read->number(Some());
}

Answer condition(std::string_view text) {
    const Result<Expression> read = parse(text, Kind::condition, kNames);
    INFO(text);
    if (!read) FAIL(read.error().message());
    return read->condition(Some());
}

std::string problem(std::string_view text, Kind kind = Kind::number) {
    const Result<Expression> read = parse(text, kind, kNames);
    return read ? "none" : read.error().message();
}

}  // namespace

TEST_CASE("rules reckon with the usual precedence") {
    CHECK(number("2+3*4") == 14);
    CHECK(number("(2+3)*4") == 20);
    CHECK(number("10-4-3") == 3);
    CHECK(number("16/4/2") == 2);
    CHECK(number("-2*3+10") == 4);
    CHECK(number("2*-3") == -6);
    CHECK(number("--2") == 2);
    CHECK(number("-free+4") == -96);
    CHECK(number(" 1.5 * 2 ") == 3);
}

TEST_CASE("rules read sizes and percentages") {
    CHECK(number("4KiB") == 4096);
    CHECK(number("1.5MiB") == 1.5 * 1048576);
    CHECK(number("2GiB + 1TiB") == 2.0 * 1073741824 + 1099511627776.0);
    CHECK(number("25% * 200") == 50);
}

TEST_CASE("rules look at figures, now and before") {
    CHECK(number("free") == 100);
    CHECK(number("free[2]") == 80);
    CHECK(number("host.free") == 7);
    CHECK(number("avg(free, 3)") == 90);
    CHECK(number("delta(free)") == 10);
    CHECK(number("min(3, 2, 5)") == 2);
    CHECK(number("max(3, 2, 5)") == 5);
    CHECK(number("clamp(1, 2, 3)") == 2);
    CHECK(number("clamp(9, 2, 3)") == 3);
    CHECK(number("clamp(9, 5, 3)") == 3);
}

TEST_CASE("rules decide") {
    CHECK(condition("free > 50 && host.free < 10") == Answer::yes);
    CHECK(condition("free >= 100 && free <= 100 && free == 100") == Answer::yes);
    CHECK(condition("free != 100 || host.free > 7") == Answer::no);
    CHECK(condition("1 > 2 || 1 < 2 && 3 > 4") == Answer::no);
    CHECK(condition("!(free > 50)") == Answer::no);
    CHECK(condition("!(free > 50) || !(free < 50)") == Answer::yes);
    CHECK(condition("1 + 1 == 2") == Answer::yes);
}

TEST_CASE("what is not known stays so, unless a known part decides") {
    CHECK(std::isnan(number("faults + 1")));
    CHECK(std::isnan(number("avg(faults, 2)")));
    CHECK(std::isnan(number("max(1, faults)")));
    CHECK(std::isnan(number("-faults")));
    CHECK(condition("faults > 1") == Answer::unknown);
    CHECK(condition("!(faults > 1)") == Answer::unknown);
    CHECK(condition("faults == faults") == Answer::unknown);
    CHECK(condition("faults > 1 && free > 500") == Answer::no);
    CHECK(condition("free > 500 && faults > 1") == Answer::no);
    CHECK(condition("faults > 1 && free > 50") == Answer::unknown);
    CHECK(condition("faults > 1 || free > 50") == Answer::yes);
    CHECK(condition("faults > 1 || free > 500") == Answer::unknown);
}

TEST_CASE("what has no finite value is unknown") {
    CHECK(std::isnan(number("1/0")));
    CHECK(std::isnan(number("0/0")));
    CHECK(std::isnan(number("free/(host.free-7)")));
    std::string huge = "1" + std::string(300, '0');
    CHECK(std::isnan(number(huge + "*" + huge)));
    CHECK(condition("1/0 > 1") == Answer::unknown);
}

TEST_CASE("an expression tells how far back it looks, and at what") {
    const Result<Expression> read =
        parse("free[4] + avg(free, 9) - delta(host.free)", Kind::number, kNames);
    REQUIRE(read);
    CHECK(read->back(0) == 8);
    CHECK(read->back(1) == 1);
    CHECK(read->uses(0));
    CHECK_FALSE(read->uses(2));
    // A constant is no figure, though it carries the number of one.
    CHECK_FALSE(parse("1", Kind::number, kNames)->uses(0));
}

TEST_CASE("a rule that does not parse says where, and what was expected") {
    const std::string operand = "expected a number, a name, '(', '-' or '!'";
    CHECK(problem("") == "column 1: " + operand);
    CHECK(problem("1+") == "column 3: " + operand);
    CHECK(problem("1 + * 2") == "column 5: " + operand);
    CHECK(problem(".5") == "column 1: '.' has no meaning here");
    CHECK(problem("1 $ 2") == "column 3: '$' has no meaning here");
    CHECK(problem("1 \x01") == "column 3: '?' has no meaning here");
    CHECK(problem("1 = 2") == "column 3: '=' has no meaning here");
    CHECK(problem("1 & 2") == "column 3: '&' has no meaning here");
    CHECK(problem("1 2") == "column 3: expected an operator or the end, found '2'");
    CHECK(problem("1)") == "column 2: expected an operator or the end, found ')'");
    CHECK(problem("(1") == "column 3: expected ')'");
    CHECK(problem("12MB") == "column 3: 'MB' is no suffix, expected KiB, MiB, GiB, TiB or %");
    CHECK(problem(std::string(400, '9')) == "column 1: this number is too large");
    CHECK(problem("2 * fre") ==
          "column 5: there is no figure 'fre', expected one of free, host.free, faults");
    CHECK(problem("free[") == "column 6: expected a whole number from 0 to 100");
    CHECK(problem("free[1.5]") == "column 6: expected a whole number from 0 to 100");
    CHECK(problem("free[101]") == "column 6: expected a whole number from 0 to 100");
    CHECK(problem("free[2") == "column 7: expected ']'");
    CHECK(problem("avg(free, 0)") == "column 11: expected a whole number from 1 to 100");
    CHECK(problem("avg(free)") == "column 9: expected ','");
    CHECK(problem("avg(1, 2)") == "column 5: expected the name of a figure");
    CHECK(problem("delta(free") == "column 11: expected ')'");
    CHECK(problem("max(1)") == "column 6: expected ','");
    CHECK(problem("clamp(1, 2)") == "column 11: expected ','");
    CHECK(problem("sqrt(2)") ==
          "column 1: there is no function 'sqrt', expected min, max, clamp, avg or delta");
    CHECK(problem(std::string(70, '(') + "1") == "column 65: too many levels");
    CHECK(problem(std::string(70, '-') + "1") == "column 65: too many levels");
}

TEST_CASE("numbers and conditions are not taken for each other") {
    CHECK(problem("free", Kind::condition) == "column 1: expected a condition, this is a number");
    CHECK(problem("free > 1") == "column 1: expected a number, this is a condition");
    CHECK(problem("1 < 2 < 3", Kind::condition) ==
          "column 1: expected a number, this is a condition");
    CHECK(problem("1 < 2 && free", Kind::condition) ==
          "column 10: expected a condition, this is a number");
    CHECK(problem("!free", Kind::condition) == "column 2: expected a condition, this is a number");
    CHECK(problem("1 + (2 > 1)") == "column 5: expected a number, this is a condition");
    CHECK(problem("min(1, 2 > 1)") == "column 8: expected a number, this is a condition");
}

TEST_CASE("an expression as deep as is allowed fits on the stack") {
    std::string deep = "1";
    for (int i = 0; i < 31; ++i) deep = "1+(" + deep + ")";
    CHECK(number(deep) == 32);
}
