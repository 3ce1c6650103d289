// What a guest tells around a move of its balloon.
#include "tests/unit/recording/reader_fixture.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("figures of before a balloon moved do not count as demand") {
    ReaderFixture fixture;
    Teller& host = fixture.host;
    host.tell(0, "a", 4 * kGiB, 0, 3 * kGiB);
    host.tell(15, "a", 4 * kGiB, 2 * kGiB, 3 * kGiB);      // keeps 2 GiB, tells 3: old
    host.tell(16, "a", 4 * kGiB, 3 * kGiB / 2, 3 * kGiB);  // and still
    host.tell(60, "a", 4 * kGiB, 3 * kGiB / 2, 3 * kGiB);  // told once a minute
    host.tell(61, "a", 4 * kGiB, kGiB, kGiB);
    host.ticks(0, 80);
    const Recording recording = fixture.read();
    CHECK(demand(recording) == Points{{0, 1}, {71, 2}});
    CHECK(recording.notes.empty());
}

TEST_CASE("figures that may be of after a balloon moved do not count as demand") {
    ReaderFixture fixture;
    Teller& host = fixture.host;
    host.tell(0, "a", 4 * kGiB, 0, 3 * kGiB);
    host.tell(20, "a", 4 * kGiB, 0, kGiB);         // lends 2 GiB already, which nobody saw yet
    host.tell(21, "a", 4 * kGiB, 2 * kGiB, kGiB);  // seen now; the figures stay what they are
    host.tell(40, "a", 4 * kGiB, 2 * kGiB, kGiB / 2);
    host.tell(41, "a", 4 * kGiB, 2 * kGiB + kMiB, kGiB / 4);  // hardly moved
    host.tell(52, "a", 4 * kGiB, kGiB, kGiB);
    host.ticks(0, 70);
    const Recording recording = fixture.read();
    CHECK(demand(recording) == Points{{0, 1}, {40, 1.5}, {41, 1.75 - 1.0 / 1024}, {62, 2}});
}

TEST_CASE("figures told together with a move do not count as demand where others follow") {
    ReaderFixture fixture;
    Teller& host = fixture.host;
    host.tell(0, "a", 4 * kGiB, 2 * kGiB, kGiB / 4);
    host.tell(20, "a", 4 * kGiB, 0, kGiB / 8);  // of before it got 2 GiB
    host.tell(21, "a", 4 * kGiB, 0, 17 * kGiB / 8);
    host.ticks(0, 70);
    CHECK(demand(fixture.read()) == Points{{0, 1.75}, {21, 1.875}});
}

TEST_CASE("a small move starts no new wait for figures") {
    ReaderFixture fixture;
    Teller& host = fixture.host;
    host.tell(0, "a", 4 * kGiB, 0, kGiB);
    host.tell(20, "a", 4 * kGiB, 2 * kGiB, kGiB);
    host.tell(25, "a", 4 * kGiB, 2 * kGiB + 32 * kMiB, kGiB);
    host.ticks(0, 70);
    CHECK(demand(fixture.read()) == Points{{0, 3}, {30, 1 - 1.0 / 32}});
}

TEST_CASE("what is in doubt of a guest that goes is better than nothing") {
    ReaderFixture fixture;
    Teller& host = fixture.host;
    host.tell(0, "a", 4 * kGiB, 0, kGiB);
    host.tell(1, "a", 4 * kGiB, 2 * kGiB, kGiB);
    host.happen(9, BALLAST_BUS_DOMAIN, "a", "domain_went");
    host.ticks(0, 70);
    CHECK(demand(fixture.read()) == Points{{9, 1}});
}

TEST_CASE("figures that stay the same after a balloon moved are believed after a while") {
    ReaderFixture fixture;
    Teller& host = fixture.host;
    host.tell(0, "a", 4 * kGiB, 0, kGiB);
    host.tell(1, "a", 4 * kGiB, 2 * kGiB, kGiB);
    host.tell(1, "b", 4 * kGiB, 0, kGiB);
    host.ticks(0, 5);
    SECTION("which the recording lasts") {
        host.ticks(6, 30);
        CHECK(demand(fixture.read()) == Points{{11, 1}});
    }
    SECTION("or at its end, where nothing else is known") {
        CHECK(demand(fixture.read()) == Points{{5, 1}});
    }
}

namespace {

// One guest of 4 GiB under QEMU: statistics are of the present, sizes come in two parts.
struct LateSizes : ReaderFixture {
    LateSizes() { host.guest.late = 0; }
    void decide(double at_s, std::uint64_t from, std::uint64_t to) {
        host.decision.loaned_before_bytes = from;
        host.decision.decided_bytes = to;
        host.decide(at_s, "a");
        host.tick(at_s);
    }
    void tell(double at_s, std::uint64_t loaned, std::uint64_t usable, bool late) {
        host.guest.late = late ? 1 : 0;
        host.tell(at_s, "a", 4 * kGiB, loaned, usable);
    }
};

}  // namespace

TEST_CASE_METHOD(LateSizes, "what a guest needs while its balloon moves is known from its goal") {
    tell(0, 0, 3 * kGiB, false);
    decide(0, 0, 2 * kGiB);
    tell(1, kMiB, kGiB / 2, true);  // gave all of it, and uses half a GiB more
    decide(1, kMiB, 2 * kGiB);
    tell(2, 2 * kGiB, kGiB / 4, true);
    decide(2, 2 * kGiB, kGiB);
    tell(3, 2 * kGiB - kMiB, kGiB / 4, true);  // of before it got anything back
    decide(3, 2 * kGiB - kMiB, 2 * kGiB - kMiB);
    tell(4, kGiB, 5 * kGiB / 4, true);
    host.ticks(4, 10);
    const Recording recording = read();
    CHECK(demand(recording) == Points{{0, 1}, {1, 1.5}, {2, 1.75}});
    CHECK(recording.workload.vms[0].size_late_s > 1);
    CHECK(recording.workload.vms[0].size_late_s < 2);
}

TEST_CASE_METHOD(LateSizes, "sizes that are there with the next tick are not late") {
    tell(0, 0, 3 * kGiB, false);
    decide(0, 0, 2 * kGiB);
    tell(1, 2 * kGiB, kGiB, true);
    decide(1, 2 * kGiB, kGiB);
    tell(2, kGiB, 2 * kGiB, true);
    host.ticks(2, 10);
    const Recording recording = read();
    CHECK(recording.workload.vms[0].size_late_s == 0);
    CHECK(demand(recording) == Points{{0, 1}});
}

TEST_CASE_METHOD(LateSizes, "late figures of a move that nobody decided do not count") {
    tell(0, 0, 3 * kGiB, false);
    tell(1, 2 * kGiB, 3 * kGiB / 2, true);
    tell(5, 2 * kGiB, kGiB / 2, false);
    host.ticks(0, 10);
    CHECK(demand(read()) == Points{{5, 1.5}});
}
