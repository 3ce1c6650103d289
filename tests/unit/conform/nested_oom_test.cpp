// OOMs in the middle of a move: what is taken back, where the loan target ends, and which line ends
// what.
#include "driver_log.h"

using namespace ballast::conform;
using namespace ballast::conform::test;

namespace {

// Everything agrees, and so many points were looked at.
void check_agrees(const DriverLog& log, std::uint64_t points) {
    const Comparison comparison = log.replayed();
    INFO(told(comparison));
    CHECK(comparison.differ == 0);
    CHECK(comparison.compared >= points);
}

// 1000 pages are wanted, none lent yet; the log of the request follows.
DriverLog wanted_1000(const std::string& parameters = "oom_kb=64") {
    DriverLog log(parameters);
    log.write(0.2, "simulate_loan_target_kb", "4000");
    log.poll(1, 0, 1000, 0, 1000);
    log.log(1.01, "Begin request for 1000 pages");
    return log;
}

}  // namespace

TEST_CASE("an OOM in an allocation that succeeds leaves the target at what was lent then") {
    DriverLog log = wanted_1000();
    log.oom(1.02).oom(1.03);
    log.log(1.05, "End request with 0 pages unfulfilled");
    // The second OOM came after 600 pages: 600 - 32 were lent then, 1000 - 32 at the end.
    log.sample(1.1, 968, 568, 32);
    log.poll(2, 968, 968, 32, 1000);
    log.sample(2.1, 968, 968, 32);
    check_agrees(log, 20);
}

TEST_CASE("an OOM in an allocation that fails: the target is what was lent before it") {
    DriverLog log = wanted_1000();
    log.oom(1.02).oom(1.03).oom(1.04);
    log.log(1.05, "End request with 300 pages unfulfilled");
    log.sample(1.1, 652, 0, 48);
    log.poll(2, 652, 952, 48, 1000);
    log.log(2.01, "Begin request for 300 pages");
    log.log(2.05, "End request with 300 pages unfulfilled");
    log.sample(2.1, 652, 652, 48);
    check_agrees(log, 25);
}

TEST_CASE("an OOM before the first page of an allocation takes from what was lent before") {
    DriverLog log;
    log.lends(500);
    log.write(1.3, "simulate_loan_target_kb", "4000");
    log.poll(2, 500, 1000, 0, 1000);
    log.log(2.01, "Begin request for 500 pages");
    log.oom(2.011);
    log.log(2.05, "End request with 0 pages unfulfilled");
    log.sample(2.1, 984, 484, 16);
    log.poll(3, 984, 984, 16, 1000);
    log.sample(3.1, 984, 984, 16);
    check_agrees(log, 30);
}

TEST_CASE("an OOM at the first page of an allocation that gets none") {
    DriverLog log;
    log.lends(500);
    log.write(1.3, "simulate_loan_target_kb", "4000");
    log.poll(2, 500, 1000, 0, 1000);
    log.log(2.01, "Begin request for 500 pages");
    log.oom(2.011).oom(2.015);
    log.log(2.05, "End request with 500 pages unfulfilled");
    log.sample(2.1, 468, 500, 32);
    log.poll(3, 468, 968, 32, 1000);
    log.log(3.01, "Begin request for 500 pages");
    log.log(3.05, "End request with 0 pages unfulfilled");
    log.sample(3.1, 968, 968, 32);
    check_agrees(log, 30);
}

TEST_CASE(
    "an OOM while pages are given back comes on top, and the target stays where it was then") {
    DriverLog log;
    log.lends(1000);
    log.write(1.3, "simulate_loan_target_kb", "1600");
    log.poll(2, 1000, 400, 0, 400);
    log.log(2.01, "Begin free of 600 pages.");
    log.oom(2.02);
    log.log(2.05, "End request with 0 pages unfulfilled");
    // After 200 of the 600: 1000 - 200 - 16.
    log.sample(2.1, 384, 784, 16);
    log.poll(3, 384, 384, 16, 400);
    log.sample(3.1, 384, 384, 16);
    check_agrees(log, 30);
}

TEST_CASE("a give-back that comes short leaves the target, and is tried again") {
    DriverLog log;
    log.lends(1000);
    log.write(1.3, "simulate_loan_target_kb", "1600");
    log.poll(2, 1000, 400, 0, 400);
    log.log(2.01, "Begin free of 600 pages.");
    log.oom(2.02);
    log.log(2.05, "End request with 100 pages unfulfilled");
    log.sample(2.1, 484, 684, 16);
    log.poll(3, 484, 384, 16, 400);
    log.log(3.01, "Begin free of 100 pages.");
    log.log(3.05, "End request with 0 pages unfulfilled");
    log.sample(3.1, 384, 384, 16);
    check_agrees(log, 30);
}

TEST_CASE("an OOM within an OOM within an allocation ends neither of those around it") {
    DriverLog log = wanted_1000();
    log.log(1.020, "OOM processing started");
    log.log(1.021, "Begin free of 16 pages.");
    log.oom(1.022);
    log.log(1.026, "End request with 0 pages unfulfilled");
    log.log(1.027, "OOM processing complete");
    log.log(1.05, "End request with 0 pages unfulfilled");
    log.sample(1.1, 968, 800, 32);
    log.poll(2, 968, 968, 32, 1000);
    check_agrees(log, 15);
}

TEST_CASE("an OOM whose end was lost in the log does not take the allocation's end for its own") {
    DriverLog log = wanted_1000();
    log.log(1.020, "OOM processing started");
    log.log(1.021, "Begin free of 16 pages.");
    log.log(1.027, "OOM processing complete");
    log.log(1.05, "End request with 10 pages unfulfilled");
    // The log lacks what was freed; the samples show it.
    log.sample(1.1, 974, 0, 16);
    log.poll(2, 974, 984, 16, 1000);
    check_agrees(log, 14);
}

TEST_CASE("switching off while the guest runs out of memory leaves the OOM's target") {
    // An OOM that frees nothing, as one that takes pages would crash the driver at the last page.
    DriverLog log("oom_kb=0");
    log.lends(1000);
    log.write(1.5, "disable", "1", 1.6);
    log.log(1.51, "Begin free of 1000 pages.");
    log.oom(1.52, 0);
    log.log(1.58, "End request with 0 pages unfulfilled");
    log.sample(1.7, 0, 700, 0);
    log.write(2.0, "disable", "0");
    log.sample(2.1, 0, 700, 0);
    log.poll(3.1, 0, 1000, 0, 1000);
    log.log(3.11, "Begin request for 1000 pages");
    log.log(3.2, "End request with 0 pages unfulfilled");
    log.sample(3.3, 1000, 1000, 0);
    check_agrees(log, 25);
}

TEST_CASE("a figure that is wrong by a page after an OOM in a move is found") {
    const bool loaned_is_wrong = GENERATE(true, false);
    DriverLog log = wanted_1000();
    log.oom(1.02);
    log.log(1.05, "End request with 100 pages unfulfilled");
    log.sample(1.1, loaned_is_wrong ? 885 : 884, 0, loaned_is_wrong ? 16 : 17);
    CHECK(log.replayed().differ == (loaned_is_wrong ? 2 : 1));
}

TEST_CASE(
    "a sample that is read some milliseconds after its stamp may show what changed meanwhile") {
    // Stamped 10 ms before an OOM and before a poll; the next stamp is far away.
    const bool after = GENERATE(true, false);
    DriverLog log;
    log.lends(1000);
    log.sample(1.49, after ? 984 : 1000, after ? 984 : 1000, after ? 16 : 0);
    log.oom(1.5);
    log.write(1.6, "simulate_loan_target_kb", "2000");
    log.sample(1.99, after ? 484 : 984, after ? 484 : 984, 16);
    log.poll(2, 984, 484, 16, 500);
    log.log(2.005, "Begin free of 500 pages.");
    log.log(2.01, "End request with 0 pages unfulfilled");
    log.sample(2.2, 484, 484, 16);
    check_agrees(log, 35);
    CHECK(log.replayed().left_out.empty());
}

TEST_CASE("a sample is compared with nothing that came after it must have been read") {
    DriverLog log;
    log.lends(1000);
    // The agent stamped something else before the OOM.
    log.sample(1.49, 984, 984, 16);
    log.write(1.492, "debug", "1");
    log.oom(1.5);
    CHECK(log.replayed().differ == 4);
    // Or it cannot have taken so long.
    DriverLog other;
    other.lends(1000);
    other.sample(1.4, 984, 984, 16);
    other.oom(1.5);
    CHECK(other.replayed().differ == 4);
}

TEST_CASE("a late sample that shows neither before nor after is left out, and counted") {
    DriverLog log;
    log.lends(1000);
    log.sample(1.49, 990, 984, 16);
    log.oom(1.5);
    const Comparison comparison = log.replayed();
    CHECK(comparison.differ == 0);
    REQUIRE(comparison.left_out.size() == 1);
    CHECK(comparison.left_out.begin()->second == 1);
}
