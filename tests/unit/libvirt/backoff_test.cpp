#include "hv_backends/libvirt/backoff.h"

#include <catch2/catch.hpp>

using ballast::Backoff;
using ballast::Duration;
using ballast::Time;
using namespace std::chrono_literals;

TEST_CASE("the first attempt is due at once") {
    CHECK(Backoff(1s, 30s).due(Time{}));
    CHECK(Backoff(1s, 30s).wait() == 0s);
}

TEST_CASE("waits double from the least to the greatest and stay there") {
    Backoff backoff(1s, 30s);
    Time now{};
    for (const Duration expected : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
        backoff.failed(now);
        CHECK(backoff.wait() == expected);
        CHECK_FALSE(backoff.due(now + expected - 1ns));
        CHECK(backoff.due(now + expected));
        now += expected;
    }
}

TEST_CASE("a success starts the waits over") {
    Backoff backoff(1s, 30s);
    backoff.failed(Time{});
    backoff.failed(Time{});
    backoff.succeeded();
    CHECK(backoff.due(Time{}));
    backoff.failed(Time{});
    CHECK(backoff.wait() == 1s);
}

TEST_CASE("waits that make no sense are raised to some that do") {
    Backoff none(0s, 0s);
    none.failed(Time{});
    CHECK(none.wait() == 1ms);
    Backoff crossed(10s, 1s);
    crossed.failed(Time{});
    crossed.failed(Time{});
    CHECK(crossed.wait() == 10s);
}

TEST_CASE("the longest wait there is does not overflow while doubling") {
    Backoff backoff(1s, Duration::max());
    for (int i = 0; i < 100; ++i) backoff.failed(Time{} - Duration::max());
    CHECK(backoff.wait() == Duration::max());
}
