#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "base/log.h"
#include "fake_backend.h"
#include "whole_loop.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

// An asynchronous hypervisor whose guests take memory back by themselves.
void make_asynchronous(Bench& bench) {
    bench.backend.capabilities_.asynchronous = true;
    bench.backend.capabilities_.reports_oom = false;
}

void guest_takes_back(Bench& bench, std::uint64_t loaned_bytes) {
    bench.backend.table.loaned_bytes[0] = loaned_bytes;
}

}  // namespace

TEST_CASE("an OOM event is credited and sets the target to what is still loaned") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.backend.table.loaned_bytes[0] = kMiB - 256 * kKiB;
    bench.send(EventKind::oom, "g1", 256 * kKiB, kMiB - 256 * kKiB);
    bench.controller().process_events();
    CHECK(*bench.controller().get_attribute("g1", "loaned_target_kb") == "768");
    CHECK(*bench.controller().get_attribute("g1", "oom_freed_kb") == "256");
    bench.backend.steps.clear();
    CHECK(bench.tick()->decisions[0].constraint == Constraint::oom_credit);
    CHECK(bench.backend.steps.empty());
}

TEST_CASE("OOMs are counted, and clearing a credit takes none away") {
    const bool reported = GENERATE(true, false);
    CAPTURE(reported);
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.backend.add("g2", kGiB);
    if (!reported) {
        make_asynchronous(bench);
        bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    }
    bench.tick();
    for (const std::size_t row : {0U, 1U}) bench.backend.table.loaned_bytes[row] = kMiB;
    CHECK(bench.tick()->tick.ooms == 0);
    guest_takes_back(bench, 256 * kKiB);
    bench.backend.table.usable_bytes[0] = 0;
    if (reported) bench.send(EventKind::oom, "g1", 768 * kKiB, 256 * kKiB);
    const auto check = [&bench] {
        const auto snapshot = bench.tick();
        CHECK(snapshot->tick.ooms == 1);
        CHECK(snapshot->tick.oom_returned_bytes == 768 * kKiB);
        CHECK(snapshot->decisions[0].ooms_total == 1);
        CHECK(snapshot->decisions[1].ooms_total == 0);
        return snapshot->decisions[0].oom_freed_bytes;
    };
    CHECK(check() == 768 * kKiB);
    REQUIRE(bench.controller().set_attribute("g1", "oom_freed_kb", "0"));
    CHECK(check() == 0);
}

TEST_CASE("a credit that is cleared lets the loan grow again") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.backend.table.loaned_bytes[0] = 0;
    bench.send(EventKind::oom, "g1", kMiB, 0);
    bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == 0);
    REQUIRE(bench.controller().set_attribute("g1", "oom_freed_kb", "0"));
    bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == kMiB);
}

TEST_CASE("without the credit the controller fights the guest for what it took back") {
    Settings settings = fixed_settings(1024);
    settings.cmm.safeguards.oom_credit = GENERATE(true, false);
    Bench bench(settings);
    bench.backend.add("g1", kGiB);
    bench.tick();
    int taken_again = 0;
    for (int i = 0; i < 5; ++i) {
        const std::uint64_t loaned = bench.backend.table.loaned_bytes[0];
        const std::uint64_t freed = std::min<std::uint64_t>(loaned, 64 * kKiB);
        bench.backend.table.loaned_bytes[0] = loaned - freed;
        bench.send(EventKind::oom, "g1", freed, loaned - freed);
        bench.tick();
        if (bench.backend.table.loaned_bytes[0] > loaned - freed) ++taken_again;
    }
    CHECK(taken_again == (settings.cmm.safeguards.oom_credit ? 0 : 5));
}

TEST_CASE("an asynchronous guest is asked once, not every tick") {
    Bench bench(fixed_settings(1024));
    make_asynchronous(bench);
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    for (int i = 0; i < 3; ++i) bench.tick();
    CHECK(bench.backend.steps.size() == 1);
}

TEST_CASE("a loan that shrinks below what was set is the guest's own OOM") {
    Bench bench(fixed_settings(384 * 1024));
    make_asynchronous(bench);
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    bench.tick();
    guest_takes_back(bench, 384 * kMiB);
    bench.tick();
    bench.backend.steps.clear();
    guest_takes_back(bench, 300 * kMiB);
    CHECK(bench.tick()->decisions[0].oom_freed_bytes == 84 * kMiB);
    guest_takes_back(bench, 250 * kMiB);
    CHECK(bench.tick()->decisions[0].oom_freed_bytes == 134 * kMiB);
    CHECK(bench.backend.steps.empty());

    SECTION("once the guest stands still, the hypervisor's set value follows") {
        bench.tick();
        bench.tick();
        REQUIRE(bench.backend.steps.size() == 1);
        CHECK(bench.backend.steps[0].loaned_to_bytes == 250 * kMiB);
    }
}

TEST_CASE("an OOM in the middle of an inflation is seen too") {
    Bench bench(fixed_settings(384 * 1024));
    make_asynchronous(bench);
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    bench.tick();
    guest_takes_back(bench, 200 * kMiB);  // on its way
    bench.tick();
    guest_takes_back(bench, 150 * kMiB);
    CHECK(bench.tick()->decisions[0].oom_freed_bytes == 50 * kMiB);
}

TEST_CASE("a deflation on its way is not taken for an OOM") {
    Bench bench(fixed_settings(384 * 1024));
    make_asynchronous(bench);
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    bench.tick();
    guest_takes_back(bench, 384 * kMiB);
    bench.tick();
    REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "0"));
    bench.tick();
    for (const std::uint64_t loaned : {200 * kMiB, 100 * kMiB, std::uint64_t{0}}) {
        guest_takes_back(bench, loaned);
        CHECK(bench.tick()->decisions[0].oom_freed_bytes == 0);
    }
}

TEST_CASE("a rebooted guest starts without credit, and its empty balloon is no OOM") {
    Bench bench(fixed_settings(384 * 1024));
    make_asynchronous(bench);
    bench.backend.add("g1", kGiB);
    bench.backend.table.flags[0] = DomainFlags::deflate_on_oom;
    bench.tick();
    guest_takes_back(bench, 384 * kMiB);
    bench.tick();
    bench.send(EventKind::guest_rebooted, "g1");
    guest_takes_back(bench, 0);
    CHECK(bench.tick()->decisions[0].oom_freed_bytes == 0);
}

TEST_CASE("a guest of the mock that ran out of memory has not been set by others") {
    const std::string answer = GENERATE("adopt", "release", "override");
    CAPTURE(answer);
    // It runs out by the script, and later by what its programs need.
    constexpr const char* kScenario = R"(
mode: simulate
cmm: {min_mem_mb: 256, oom_kb: 4096}
backend: {name: mock}
policy: {name: fixed}
guests: {surge_below: 0, set_by_others: ANSWER}
scenario:
  description: "Two OOMs."
  duration: 2m
  domains:
    - name: spiky
      memory: 1GiB
      page: 4KiB
      speed: 256MiB
      used: {points: [[0s, 200MiB], [60s, 200MiB], [61s, 700MiB], [80s, 700MiB], [81s, 200MiB]]}
  events:
    - {at: 2s, do: set, domain: spiky, parameter: simulate_loan_target_kb, value: 614400}
    - {at: 20s, do: oom, domain: spiky}
)";
    std::string text = kScenario;
    text.replace(text.find("ANSWER"), 6, answer);
    const TempDir folder;
    std::ofstream(folder.path("scenario.yaml")) << text;
    WholeLoop loop(settings_of(load_config(folder.path("scenario.yaml"))));
    std::vector<std::string> accused;
    const log::Redirect told([&accused](log::Level, std::string_view line) {
        if (line.find("set its balloon") != std::string_view::npos) accused.emplace_back(line);
    });
    std::uint64_t ooms = 0;
    loop.run_until(2min, [&](const Snapshot& snapshot, Duration at) {
        ooms = snapshot.tick.ooms;
        CAPTURE(std::chrono::duration_cast<std::chrono::seconds>(at).count());
        CHECK(snapshot.decisions[0].constraint != Constraint::set_by_others);
    });
    CHECK(ooms >= 2);
    CHECK(accused == std::vector<std::string>{});
}
