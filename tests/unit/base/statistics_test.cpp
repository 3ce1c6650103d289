#include "base/statistics.h"

#include <catch2/catch.hpp>

using namespace ballast;

TEST_CASE("quantiles are interpolated between neighbours") {
    const std::vector<double> sorted{1, 2, 3, 4, 10};
    CHECK(quantile(sorted, 0) == 1);
    CHECK(quantile(sorted, 0.5) == 3);
    CHECK(quantile(sorted, 0.875) == 7);
    CHECK(quantile(sorted, 1) == 10);
    CHECK(quantile({5}, 0.3) == 5);
}

TEST_CASE("a spread is of samples in any order, and of none all 0") {
    const Spread spread = spread_of({10, 1, 4, 2, 3});
    CHECK(spread.samples == 5);
    CHECK(spread.min == 1);
    CHECK(spread.median == 3);
    CHECK(spread.interquartile_range == 2);
    CHECK(spread_of({}).samples == 0);
    CHECK(spread_of({}).median == 0);
}
