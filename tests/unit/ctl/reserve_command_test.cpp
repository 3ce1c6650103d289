#include <catch2/catch.hpp>

#include "ctl_fixture.h"

using namespace ballast::ctl;
using namespace ballast::ctl::test;

namespace {

std::string list_of(const std::string& reservations) {
    return R"({"tick": 1, "available_bytes": 1073741824, "reservations": [)" + reservations + "]}";
}
std::string reservation(int id, bool ready) {
    return R"({"id": )" + std::to_string(id) +
           R"(, "bytes": 2147483648, "outstanding_bytes": 1073741824, "domain": "db-1",)"
           R"( "domain_seen": true, "ready": )" +
           (ready ? "true" : "false") + R"(, "expires_in_seconds": 59.7})";
}

}  // namespace

TEST_CASE("reserve waits until the memory is there") {
    CtlFixture fixture;
    fixture.answer(200, R"({"id": 7})");
    fixture.answer(200, list_of(reservation(6, true) + "," + reservation(7, false)));
    fixture.answer(200, list_of(reservation(7, true)));
    CHECK(fixture.run({"reserve", "2GiB", "--domain", "db-1", "--expires", "5m"}) ==
          ExitStatus::done);
    CHECK(fixture.out.str() == "reservation 7: 2 GiB are free\n");
    REQUIRE(fixture.script.sent.size() == 3);
    CHECK(
        fixture.script.sent[0] ==
        R"(POST /api/v1/reservations {"bytes":"2147483648","expires_seconds":"300","domain":"db-1"})");
}

TEST_CASE("reserve cancels what it did not get in time, and says what there is") {
    CtlFixture fixture;
    fixture.answer(200, R"({"id": 7})");
    fixture.answer(200, list_of(reservation(7, false)));
    const auto [status, why] = GENERATE(table<std::string, std::string>(
        {{R"({"disabled": true, "domains": {"constraints": {}}})", "; lending is switched off"},
         {R"({"disabled": false, "domains": {"constraints": {"none": 5, "stuck": 1, "min_mem": 3}}})",
          "; domains are bound by stuck 1, min_mem 3"},
         {R"({"disabled": false, "domains": {"constraints": {}}})", ""},
         {R"({"disabled": null})", ""},
         {R"([])", ""}}));
    fixture.answer(200, status);
    fixture.answer(200, R"({"id": 7, "cancelled": true})");
    CHECK(fixture.run({"reserve", "2GiB", "--timeout", "0s"}) == ExitStatus::failed);
    CHECK(
        fixture.err.str() ==
        "ballastctl: not free within --timeout 0ms: 1 GiB are available on the host, no more than "
        "at first, and 1 GiB are to come for it" +
            why + "; the reservation is cancelled\n");
    CHECK(fixture.script.sent.back() == "DELETE /api/v1/reservations/7");
}

TEST_CASE("a reservation that timed out reports how far it came") {
    const auto waiting = [](const std::string& available) {
        return R"({"tick": 1, "available_bytes": )" + available + R"(, "reservations": [)" +
               reservation(7, false) + "]}";
    };
    CtlFixture fixture;
    const auto [first, last, said] = GENERATE(table<std::string, std::string, std::string>(
        {{"1073741824", "3221225472",
          "3 GiB are available on the host, 2 GiB more than at first, and 1 GiB are to come for "
          "it"},
         {"3221225472", "1073741824",
          "1 GiB are available on the host, no more than at first, and 1 GiB are to come for it"},
         {"null", "1073741824", "1 GiB are available on the host;"},
         {"1073741824", "null", "unknown are available on the host;"}}));
    fixture.answer(200, R"({"id": 7})");
    fixture.answer(200, waiting(first));
    fixture.answer(200, waiting(last));
    fixture.answer(200, R"({"disabled": false, "domains": {"constraints": {}}})");
    fixture.answer(200, R"({"id": 7, "cancelled": true})");
    CHECK(fixture.run({"reserve", "2GiB", "--timeout", "100ms"}) == ExitStatus::failed);
    CHECK(fixture.err.str().find("not free within --timeout 100ms: " + said) != std::string::npos);
}

TEST_CASE("reserve does not wait for what has ended") {
    CtlFixture fixture;
    fixture.answer(200, R"({"id": 7})");
    fixture.answer(200, list_of(reservation(6, false)));
    CHECK(fixture.run({"reserve", "2GiB", "--domain", "db-1"}) == ExitStatus::done);
    CHECK(fixture.out.str() == "reservation 7 has ended: db-1 has its memory, or is gone\n");
    fixture.answer(200, R"({"id": 8})");
    fixture.answer(200, list_of(""));
    CHECK(fixture.run({"reserve", "2GiB"}) == ExitStatus::failed);
    CHECK(fixture.err.str() == "ballastctl: reservation 8 has ended before it was ready\n");
}

TEST_CASE("reserve --no-wait only asks") {
    CtlFixture fixture;
    fixture.answer(200, R"({"id": 7})");
    CHECK(fixture.run({"reserve", "2GiB", "--no-wait"}) == ExitStatus::done);
    CHECK(fixture.out.str() == "reservation 7 of 2 GiB\n");
}

TEST_CASE("reserve lists and cancels") {
    CtlFixture fixture;
    fixture.answer(200, list_of(reservation(7, false)));
    CHECK(fixture.run({"reserve", "--list"}) == ExitStatus::done);
    CHECK(fixture.out.str() == "7: 2 GiB for db-1, waiting, 1 GiB to come, expires in 60 s\n");
    fixture.answer(200, R"({"id": 7, "cancelled": true})");
    CHECK(fixture.run({"reserve", "--cancel", "7"}) == ExitStatus::done);
    CHECK(fixture.out.str() == "reservation 7 is cancelled\n");
}

TEST_CASE("reserve refuses what it does not understand, without asking the daemon") {
    CtlFixture fixture;
    for (const std::vector<std::string>& arguments : {std::vector<std::string>{"reserve"},
                                                      {"reserve", "lots"},
                                                      {"reserve", "1GiB", "--list"},
                                                      {"reserve", "1GiB", "--timeout", "soon"},
                                                      {"reserve", "1GiB", "--expires", "-1s"},
                                                      {"reserve", "--cancel", "x"},
                                                      {"reserve", "--cancel", "0"},
                                                      {"reserve", "1GiB", "2GiB"}})
        CHECK(fixture.run(arguments) == ExitStatus::usage);
    CHECK(fixture.script.sent.empty());
}

TEST_CASE("reserve survives a daemon that answers something else") {
    CtlFixture fixture;
    fixture.answer(200, R"({"number": 7})");
    CHECK(fixture.run({"reserve", "2GiB"}) == ExitStatus::failed);
    fixture.answer(200, R"({"reservations": [{"id": "x"}]})");
    CHECK(fixture.run({"reserve", "--list"}) == ExitStatus::failed);
    CHECK_FALSE(fixture.err.str().empty());
}
