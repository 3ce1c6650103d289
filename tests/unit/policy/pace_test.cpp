#include "policy/pace.h"

#include <catch2/catch.hpp>

using namespace ballast;
using namespace std::chrono_literals;

TEST_CASE("a pace is due at first, and after its interval, give or take a twentieth") {
    Pace pace;
    const Time start{};
    CHECK(pace.due(start, 10s));
    CHECK_FALSE(pace.due(start + 9400ms, 10s));
    CHECK(pace.due(start + 9500ms, 10s));
    // It counts from there.
    CHECK_FALSE(pace.due(start + 10s, 10s));
    CHECK(pace.due(start + 19s, 10s));
    CHECK(pace.last() == start + 19s);
}

TEST_CASE("a pace that was missed is not made up for") {
    Pace pace;
    const Time start{};
    CHECK(pace.due(start, 1s));
    CHECK(pace.due(start + 5s, 1s));
    CHECK_FALSE(pace.due(start + 5500ms, 1s));
}
