// The reason that each tick gives is the real one: every kind of it, through the loop.
#include <catch2/catch.hpp>
#include <string>

#include "base/log.h"
#include "fake_backend.h"
#include "tests/paths.h"
#include "whole_loop.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kNobodyLacks = "neither it nor the host lacks memory";

Settings under_policy(const std::string& name) {
    Settings settings;
    settings.policy.name = name;
    settings.guests.surge_below_bytes = 64 * kMiB;
    return settings;
}

// Guests of 4 GiB on a host of 16 GiB. A guest keeps 1 GiB in use.
struct Host : Bench {
    explicit Host(const std::string& policy = "ballast") : Bench(under_policy(policy)) {
        backend.host.total_bytes = 16 * kGiB;
        backend.host.available_bytes = 8 * kGiB;
    }
    std::size_t add_guest(const std::string& name, std::uint64_t usable_bytes = 3 * kGiB) {
        const std::size_t row = backend.add(name, 4 * kGiB);
        backend.table.usable_bytes[row] = usable_bytes;
        return row;
    }
    std::string why(std::size_t row = 0) { return explain(*tick(), row); }
    std::string why_after(int ticks, std::size_t row = 0) {
        for (int i = 1; i < ticks; ++i) tick();
        return why(row);
    }
    // What policy `fixed` is to have it lend.
    void lend(const std::string& name, std::uint64_t bytes) {
        REQUIRE(controller().set_attribute(name, "simulate_loan_target_kb",
                                           std::to_string(bytes / kKiB)));
    }

    log::Redirect quiet{[](log::Level, std::string_view) {}};
};

}  // namespace

TEST_CASE("a policy that waits for figures says so, also with 0 B available on the host") {
    Host host;
    host.add_guest("g1");
    host.backend.host.available_bytes = 0;
    const std::string first = host.why();
    CHECK_THAT(first, Contains("asks for no change, because the host, or a NUMA node of it, has "
                               "less memory available than it should, but the guest's statistics "
                               "are older than its balloon's last move"));
    std::string later;
    for (int tick = 0; tick < 5; ++tick) later += host.why() + "\n";
    CHECK_THAT(later, Contains("MiB more, because the host has less memory available"));
    CHECK_THAT(later, !Contains(kNobodyLacks));
    host.backend.table.flags[0] = DomainFlags::late_stats;
    host.backend.capabilities_.asynchronous = true;
    for (int tick = 0; tick < 10; ++tick) CHECK_THAT(host.why(), !Contains(kNobodyLacks));
}

TEST_CASE("where nobody lacks memory the reason is that") {
    Host host;
    host.add_guest("g1");
    CHECK_THAT(host.why_after(5), Contains(kNobodyLacks));
}

TEST_CASE("a guest that has no more than it should keep is why nothing more is asked of it") {
    Host host;
    host.add_guest("g1", 150 * kMiB);
    host.backend.host.available_bytes = 0;
    CHECK_THAT(host.why_after(5), Contains("but the guest has no more than it should keep"));
}

TEST_CASE("a guest that is left alone because others give is told so") {
    Host host;
    host.add_guest("rich", 3500 * kMiB);
    host.add_guest("other", 2500 * kMiB);
    // A little less than the goal of 2 % is there.
    host.backend.host.available_bytes = 250 * kMiB;
    host.backend.answer = [](const Step& step) {
        return StepOutcome{StepStatus::accepted, step.loaned_from_bytes, Constraint::none, {}};
    };
    host.backend.capabilities_.asynchronous = true;
    CHECK_THAT(host.why_after(4, 1), Contains("but other guests with more to spare are giving it"));
}

TEST_CASE("a host whose available memory is not known is not said to have enough") {
    Host host;
    host.add_guest("g1");
    host.backend.host.available_bytes = kUnknownBytes;
    const std::string text = host.why_after(5);
    CHECK_THAT(text, Contains("what the host has available is not known"));
    CHECK_THAT(text, !Contains(kNobodyLacks));
}

TEST_CASE("a guest that reports nothing is the reason, whatever the host has") {
    Host host;
    host.add_guest("g1", kUnknownBytes);
    host.backend.table.flags[0] = DomainFlags::no_stats;
    host.backend.host.available_bytes = 0;
    CHECK_THAT(host.why_after(3), Contains("because what it uses is not known") &&
                                      Contains("no_stats: the guest never sent statistics"));
}

TEST_CASE("each hold is named with its own cause") {
    const auto [flag, words] = GENERATE(table<DomainFlags, std::string>({
        {DomainFlags::paused, "paused: the domain is not running"},
        {DomainFlags::migrating, "migrating: the domain is being migrated"},
        {DomainFlags::hotplug, "hotplug: memory hotplug is running"},
        {DomainFlags::no_driver, "no_driver: the domain has no balloon device"},
        {DomainFlags::stale_stats, "stale_stats: the guest's statistics are missing or too old"},
        {DomainFlags::pinned_memory, "pinned_memory: the domain's memory is pinned"},
        {DomainFlags::starting, "stale_stats: the guest is starting and has sent no statistics"},
        {DomainFlags::unanswered, "did not report its balloon's size this time"},
        {DomainFlags::crashed, "crashed: the guest has crashed"},
        {DomainFlags::saving, "saving: the domain is being saved"},
        {DomainFlags::bad_stats, "bad_stats: the guest's statistics contradict"},
    }));
    Host host("fixed");
    host.add_guest("g1");
    host.tick();
    host.lend("g1", kGiB);
    host.backend.table.flags[0] = flag;
    const std::string text = host.why();
    CHECK_THAT(text, Contains("Nothing moves; what bound it is " + words) ||
                         (Contains("Nothing moves") && Contains(words)));
}

TEST_CASE("a domain that was just enabled is not said to be switched off") {
    Host host("fixed");
    host.add_guest("g1");
    host.tick();
    REQUIRE(host.controller().disable("g1", true));
    CHECK_THAT(host.why(), Contains("disabled: the operator switched lending off"));
    host.clock.advance(300ms);
    REQUIRE(host.controller().disable("g1", false));
    host.clock.advance(700ms);
    host.controller().tick(host.clock.now());
    const auto snapshot = host.controller().snapshots().latest();
    CHECK_THAT(explain(*snapshot, 0), Contains("disabled: lending has just been switched on"));
}

TEST_CASE("a backend that is about to go is why everything goes back, not an operator") {
    Host host("fixed");
    host.add_guest("g1");
    host.tick();
    host.lend("g1", kGiB);
    host.tick();
    host.controller().evacuate(true);
    CHECK_THAT(host.why(),
               Contains("(-1 GiB)") && Contains("disabled: the backend is about to go"));
}

TEST_CASE("a guest that ran short and has all back is left alone for that reason") {
    Host host("fixed");
    host.add_guest("g1");
    host.tick();
    host.lend("g1", kGiB);
    host.tick();
    host.backend.table.usable_bytes[0] = kMiB;
    CHECK_THAT(host.why(), Contains("surge: the guest ran short of memory"));
    host.backend.table.usable_bytes[0] = 3 * kGiB;
    host.lend("g1", 0);
    // Nothing is asked of it, and it is left alone all the same.
    CHECK_THAT(host.why(),
               Contains("asks for no change") && Contains("surge: the guest ran short"));
}

TEST_CASE("a guest that makes no progress is named stuck while it waits to be asked again") {
    Host host("fixed");
    host.backend.capabilities_.asynchronous = true;
    host.add_guest("g1");
    host.tick();
    host.lend("g1", kGiB);
    CHECK_THAT(host.why_after(33), Contains("stuck: the guest makes no progress"));
    host.lend("g1", 0);
    CHECK_THAT(host.why(), Contains("stuck: the guest makes no progress"));
}

TEST_CASE("a balloon that others move, and one that shrank, are named as what they are") {
    Host host("fixed");
    host.backend.capabilities_.asynchronous = true;
    host.add_guest("g1");
    host.tick();
    host.lend("g1", kGiB);
    host.tick();
    host.backend.table.loaned_bytes[0] = kGiB;
    host.tick();
    SECTION("others") {
        host.backend.table.loaned_bytes[0] = 900 * kMiB;
        CHECK_THAT(host.why(),
                   Contains("set_by_others: an external program is moving its balloon"));
    }
    SECTION("it shrank, and it is not known why") {
        host.backend.capabilities_.reports_oom = false;
        host.backend.table.flags[0] = DomainFlags::deflate_on_oom | DomainFlags::late_stats;
        host.backend.table.loaned_bytes[0] = 0;
        CHECK_THAT(host.why(), Contains("stale_stats: its balloon shrank by itself"));
    }
}

TEST_CASE("a host that is short is why a give-back waits") {
    Host host("fixed");
    host.settings.host.reserve_bytes = kGiB;
    host.add_guest("g1");
    host.tick();
    host.lend("g1", 2 * kGiB);
    host.tick();
    host.backend.host.available_bytes = kGiB;
    host.lend("g1", 0);
    CHECK_THAT(host.why(), Contains("wants 2 GiB given back") &&
                               Contains("host_floor: the host does not have the memory free yet"));
}

TEST_CASE("a hypervisor that refused a move is quoted") {
    Host host("fixed");
    host.add_guest("g1");
    host.tick();
    host.lend("g1", kGiB);
    host.backend.answer = [](const Step& step) {
        return StepOutcome{StepStatus::failed, step.loaned_from_bytes, Constraint::backend_error,
                           "no such device"};
    };
    CHECK_THAT(host.why(), Contains("The hypervisor said: no such device."));
}

TEST_CASE("without an observation nothing is said to have been asked or decided") {
    Host host;
    host.add_guest("g1");
    host.backend.host.available_bytes = 0;
    REQUIRE_THAT(host.why_after(3), Contains("asks it to lend"));
    host.backend.observe_error = "connection refused";
    // Every slot of the exchange holds an older tick by then.
    for (int tick = 0; tick < 20; ++tick) {
        const std::string text = host.why();
        CHECK_THAT(text, Contains("the hypervisor does not answer (connection refused)"));
        CHECK_THAT(text, Contains("Nothing was decided in this tick"));
        CHECK_THAT(text, !Contains("Policy") && !Contains("because"));
    }
}

TEST_CASE("a dry run says what would be lent, and moves nothing") {
    std::vector<std::string> lines;
    Host host("fixed");
    const log::Redirect told(
        [&lines](log::Level, std::string_view line) { lines.emplace_back(line); });
    host.dry_run = true;
    host.add_guest("g1");
    host.tick();
    host.lend("g1", kGiB);
    CHECK_THAT(host.why(), Contains("Decided: lend 1 GiB (+1 GiB)") &&
                               Contains("dry run: it would lend 1 GiB, and goes on lending 0 B"));
    host.lend("g1", 0);
    CHECK_THAT(host.why(), Contains("Nothing would move"));
    CHECK(host.controller().snapshots().latest()->dry_run);
    CHECK(host.backend.steps.empty());
    const auto logged = [&lines](const std::string& text) {
        return std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
            return line.find(text) != std::string::npos;
        });
    };
    CHECK(logged("g1: would lend 1 GiB, and lends 0 B") == 1);
    CHECK(logged("g1: would lend 0 B, and lends 0 B") == 1);
    host.tick();
    CHECK(logged("would lend") == 2);  // changes, not ticks
}

TEST_CASE("in no tick of an overcommitted day is a host that lacks memory said to have enough") {
    WholeLoop loop(settings_of(load_config(source_dir() + "/config/examples/overcommitted.yaml")));
    std::size_t said_enough = 0;
    std::size_t wrong = 0;
    loop.run_until(24h, [&](const Snapshot& snapshot, Duration) {
        const std::uint64_t goal = snapshot.reserve_bytes + snapshot.host.total_bytes / 50;
        for (const Decision& decision : snapshot.decisions) {
            if (decision.request_reason != RequestReason::enough) continue;
            ++said_enough;
            if (snapshot.host.available_bytes < goal) ++wrong;
        }
    });
    CHECK(said_enough > 0);
    CHECK(wrong == 0);
}

TEST_CASE("what nothing may be moved of has a constraint that says why, in every tick") {
    const std::string name = GENERATE("squeezed-limited", "squeezed-stuck", "squeezed-frozen");
    CAPTURE(name);
    WholeLoop loop(settings_of(load_config(source_dir() + "/config/examples/" + name + ".yaml")));
    std::size_t held = 0;
    std::size_t unnamed = 0;
    loop.run_until(30min, [&](const Snapshot& snapshot, Duration) {
        for (const Decision& decision : snapshot.decisions) {
            if (decision.request_reason != RequestReason::held) continue;
            ++held;
            if (decision.constraint == Constraint::none) ++unnamed;
        }
    });
    CHECK(held > 0);
    CHECK(unnamed == 0);
}
