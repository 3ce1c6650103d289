#include "controller/probe_runner.h"

#include <catch2/catch.hpp>

#include "controller/references.h"
#include "sim/virtual_clock.h"
#include "tests/skip.h"

using namespace ballast;

namespace {

// Waits for what a thread will do; far longer than it takes.
template <class Condition>
bool comes_true(Condition&& condition) {
    for (int i = 0; i < 60'000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

ProbeReport report(const ProbeRunner& runner) {
    std::vector<probe::Finding> findings;
    return runner.report(findings);
}

ProbeRunner::Options options() {
    ProbeRunner::Options made;
    made.budget_per_s = std::chrono::seconds(10);  // no limit
    made.loops = 100;
    made.runs = 3;
    made.room = [] { return Duration(std::chrono::hours(1)); };
    return made;
}

}  // namespace

TEST_CASE("the runner publishes a survey once it is done, and counts what it cost") {
    const SystemClock clock;
    auto runner = ProbeRunner::start(clock, options());
    REQUIRE(runner);
    REQUIRE(comes_true([&] { return report(**runner).surveys > 0; }));
    const ProbeReport found = report(**runner);
    CHECK(found.enabled);
    CHECK(found.rows.size() == probe::scale_types().size());
    CHECK(found.kept > 0);
    CHECK(found.cpu_time > Duration(0));
    CHECK(found.finished > WallTime{});
    std::vector<probe::Finding> findings;
    (*runner)->report(findings);
    CHECK(findings.size() > found.rows.size());
}

TEST_CASE("the runner begins nothing while a tick runs, is late or is near") {
    const SystemClock clock;
    std::atomic<int> asked{0};
    std::atomic<std::int64_t> room{-1};
    ProbeRunner::Options busy = options();
    busy.room = [&] {
        ++asked;
        return Duration(room.load());
    };
    auto runner = ProbeRunner::start(clock, std::move(busy));
    REQUIRE(runner);
    REQUIRE(comes_true([&] { return asked > 3; }));
    room = 1000;  // too little
    const int before = asked;
    REQUIRE(comes_true([&] { return asked > before + 3; }));
    CHECK(report(**runner).kept + report(**runner).thrown_away == 0);
    room = 1'000'000'000;
    CHECK(comes_true([&] { return report(**runner).kept > 0; }));
}

TEST_CASE("the runner keeps to its budget") {
    const SystemClock clock;
    ProbeRunner::Options small = options();
    small.budget_per_s = std::chrono::milliseconds(5);
    const Time begun = clock.now();
    auto runner = ProbeRunner::start(clock, std::move(small));
    REQUIRE(runner);
    REQUIRE(comes_true([&] { return report(**runner).kept > 20; }));
    const ProbeReport found = report(**runner);
    const double share = std::chrono::duration<double>(found.cpu_time).count() /
                         std::chrono::duration<double>(clock.now() - begun).count();
    // All but the last experiment is paid for by then.
    CHECK(share < 0.005 * 1.5);
}

TEST_CASE("the schemes that are configured are used, and others chosen by what they cost") {
    const SystemClock clock;
    Settings settings;
    settings.references.module_refs = RefScheme::perthread;
    const References references(settings, clock);
    CHECK(references.module_refs() == RefScheme::perthread);
    const ProbeReport report = references.report();
    REQUIRE(report.choices.size() == 2);
    CHECK(report.choices[0].use.name == "module_refs");
    CHECK(report.choices[0].configured);
    CHECK(report.choices[1].use.name == "snapshot_refs");
    CHECK_FALSE(report.choices[1].configured);
    CHECK(report.choices[1].chosen == references.snapshot_refs());
    CHECK(report.choices[1].candidates.size() >= 1);
    CHECK_FALSE(report.enabled);
}

TEST_CASE("rates are those expected until enough is counted") {
    probe::Use expected;
    expected.reads_per_s = 10;
    expected.updates_per_s = 1;
    const Duration hour = std::chrono::hours(1);
    CHECK(with_counts(expected, {}, Duration(0)).reads_per_s == 10);
    const probe::Use now = with_counts(expected, {.reads = 7200 * 1000, .updates = 0}, hour);
    CHECK(now.reads_per_s == Approx(5 + 1000));
    CHECK(now.updates_per_s == Approx(0.5));
    CHECK(now.counted_for == hour);
}

TEST_CASE("what is counted later speaks for another scheme, and the one in use stays") {
    VirtualClock clock;
    const Settings settings;
    References references(settings, clock);
    UseCounts snapshots;
    references.count([] { return UseCounts{}; }, [&] { return snapshots; });
    const RefScheme in_use = references.snapshot_refs();
    if (in_use != RefScheme::atomic) return skip("another scheme than atomic is in use here");
    clock.advance(std::chrono::hours(100));
    snapshots = {.reads = 1'000'000'000'000, .updates = 72'000};
    const probe::Choice choice = references.report().choices[1];
    CHECK(choice.chosen == in_use);
    CHECK(choice.use.reads_per_s > 1e6);
    CHECK(choice.cheaper_now.has_value());
}

TEST_CASE("a probe with impossible parameters is refused, and the report says why") {
    const SystemClock clock;
    Settings settings;
    References references(settings, clock);
    ProbeSettings impossible;
    impossible.nreaders = 256;
    const auto started = references.start_probe(impossible, [] { return Duration(0); });
    const auto cpus = probe::usable_cpus();
    if (cpus && cpus->size() < 256) {
        CHECK_FALSE(started);
        CHECK(references.report().problem.find("nreaders is 256") != std::string::npos);
    }
    references.stop_probe();
}
