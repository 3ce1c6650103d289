#include <catch2/catch.hpp>

#include "http_fixture.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("healthz gives the daemon time to start, and then wants a tick") {
    ApiFixture fixture;
    CHECK(fixture.send("GET", "/healthz").status == 200);
    fixture.clock.at += std::chrono::seconds(31);
    CHECK(fixture.send("GET", "/healthz").status == 503);
    fixture.publish();
    fixture.clock.at -= std::chrono::seconds(31);
    CHECK(fixture.send("GET", "/healthz").status == 200);
}

TEST_CASE("healthz fails when the loop has not ticked for several delays") {
    ApiFixture fixture;
    fixture.publish();
    fixture.clock.at += std::chrono::seconds(13);  // 3 delays of 1 s, and 10 s of grace
    CHECK(fixture.send("GET", "/healthz").status == 200);
    fixture.clock.at += std::chrono::seconds(1);
    const Response response = fixture.send("GET", "/healthz");
    CHECK(response.status == 503);
    CHECK(response.body == "no tick for 14 s\n");
}

TEST_CASE("healthz stretches with the delay") {
    ApiFixture fixture;
    Snapshot& snapshot = *fixture.snapshots.begin();
    fill(snapshot);
    snapshot.delay = std::chrono::hours(1);
    fixture.snapshots.publish();
    fixture.clock.at += std::chrono::hours(3);
    CHECK(fixture.send("GET", "/healthz").status == 200);
    fixture.clock.at += std::chrono::seconds(11);
    CHECK(fixture.send("GET", "/healthz").status == 503);
}

TEST_CASE("readyz waits for the first successful observation") {
    ApiFixture fixture;
    CHECK(fixture.send("GET", "/readyz").status == 503);
    Snapshot& snapshot = *fixture.snapshots.begin();
    fill(snapshot);
    snapshot.calls.observe_ok = 0;
    snapshot.calls.observe_failed = 3;
    fixture.snapshots.publish();
    CHECK(fixture.send("GET", "/readyz").status == 503);
    fixture.publish();
    CHECK(fixture.send("GET", "/readyz").status == 200);
}

TEST_CASE("a stopping daemon is alive, and not ready") {
    ApiFixture fixture;
    fixture.publish();
    fixture.control.is_stopping = true;
    fixture.clock.at += std::chrono::hours(1);
    CHECK(fixture.send("GET", "/healthz").status == 200);
    CHECK(fixture.send("GET", "/readyz").status == 503);
}

TEST_CASE("healthz names the call that keeps the loop waiting") {
    ApiFixture fixture;
    fixture.publish();
    fixture.clock.at += std::chrono::seconds(40);
    fixture.backends.known[0].running_call = "observe";
    fixture.backends.known[0].running_for = std::chrono::seconds(39);
    const Response response = fixture.send("GET", "/healthz");
    CHECK(response.status == 503);
    CHECK(response.body ==
          "no tick for 40 s; observe of backend 'libvirt' has not returned for 39 s\n");
}
