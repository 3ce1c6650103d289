#include "policy/water_fill.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

using namespace ballast;

namespace {

double taken(const std::vector<Taker>& takers, double level) {
    double sum = 0;
    for (const Taker& taker : takers) sum += taker.at(level);
    return sum;
}

}  // namespace

TEST_CASE("an amount is shared by weight, within the bounds of each") {
    const std::vector<Taker> takers{{0, 1, 0, 100e6}, {0, 3, 0, 1e9}, {0, 1, 50e6, 1e9}};
    const double level = fill_level(takers, 250e6);
    CHECK(takers[0].at(level) == Approx(50e6));
    CHECK(takers[1].at(level) == Approx(150e6));
    CHECK(takers[2].at(level) == Approx(50e6));
}

TEST_CASE("what nobody can take stays, and what everyone must have is not withheld") {
    const std::vector<Taker> takers{{0, 1, 10, 100}, {20, 5, 20, 200}};
    CHECK(taken(takers, fill_level(takers, 1e12)) == 300);
    CHECK(taken(takers, fill_level(takers, 0)) == 30);
    CHECK(fill_level({}, 5) == 0);
    const std::vector<Taker> weightless{{7, 0, 0, 100}};
    CHECK(taken(weightless, fill_level(weightless, 50)) == 7);
}

TEST_CASE("any amount within reach is shared out to within a byte or a billionth") {
    std::mt19937_64 random(5);
    const auto any = [&random](double most) {
        return most * static_cast<double>(random() % 1'000'001) / 1e6;
    };
    for (int round = 0; round < 2000; ++round) {
        std::vector<Taker> takers(1 + random() % 20);
        for (Taker& taker : takers) {
            taker.least = any(1e11);
            taker.most = taker.least + any(1e11);
            taker.base = random() % 2 == 0 ? 0 : taker.least;
            taker.weight = random() % 10 == 0 ? 0 : 0.001 + any(10'000);
        }
        const double least = taken(takers, 0);
        const double most = taken(takers, 1e18);
        const double amount = least + any(most - least);
        CHECK(std::abs(taken(takers, fill_level(takers, amount)) - amount) <=
              std::max(1.0, amount * 1e-9));
    }
}
