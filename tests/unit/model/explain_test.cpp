#include <catch2/catch.hpp>
#include <set>

#include "base/units.h"
#include "model/snapshot.h"

using namespace ballast;
using Catch::Matchers::Contains;

namespace {

Snapshot snapshot_of(const Decision& decision) {
    Snapshot snapshot;
    snapshot.tick.number = 12;
    snapshot.backend_up = true;
    snapshot.policy_name = "cmm";
    snapshot.names = std::make_shared<DomainNames>(DomainNames{{key_from_name("db")}, {"db"}});
    snapshot.decisions = {decision};
    return snapshot;
}

Decision lend_more() {
    Decision decision;
    decision.total_bytes = 2 * kGiB;
    decision.min_mem_bytes = 256 * kMiB;
    decision.request_bytes = 512 * kMiB;
    decision.decided_bytes = decision.loan_target_bytes = decision.loaned_after_bytes = 512 * kMiB;
    return decision;
}

}  // namespace

TEST_CASE("an explanation tells who asked for what, and what was done") {
    const std::string text = explain(snapshot_of(lend_more()), 0);
    CHECK_THAT(text, Contains("db, tick 12"));
    CHECK_THAT(text, Contains("Policy cmm asks it to lend 512 MiB more"));
    CHECK_THAT(text, Contains("It lends 0 B of 2 GiB, so it keeps 2 GiB"));
    CHECK_THAT(text, Contains("min_mem_mb guards 256 MiB"));
    CHECK_THAT(text, Contains("lend 512 MiB (+512 MiB)"));
    CHECK_THAT(text, Contains("nothing stood in the way"));
    CHECK_THAT(text, Contains("Done: it lends 512 MiB now"));
    CHECK_THAT(text, !Contains("credit"));
}

TEST_CASE("a policy's reason is told where it has one") {
    Decision decision = lend_more();
    CHECK_THAT(explain(snapshot_of(decision), 0), !Contains("because"));
    decision.request_reason = RequestReason::host_lacks;
    CHECK_THAT(explain(snapshot_of(decision), 0),
               Contains("lend 512 MiB more, because the host has less memory available"));
}

TEST_CASE("no two reasons share a name, and each has words") {
    constexpr auto kLast = static_cast<std::size_t>(RequestReason::host_unknown);
    std::set<std::string_view> names;
    for (std::size_t i = 0; i <= kLast; ++i) {
        names.insert(to_string(static_cast<RequestReason>(i)));
        CHECK(describe(static_cast<RequestReason>(i)).empty() == (i == 0));
    }
    CHECK(names.size() == kLast + 1);
    CHECK(describe(static_cast<RequestReason>(kLast + 1)).empty());
}

TEST_CASE("every constraint is told with its figures, its name and its reason") {
    const auto [constraint, words] = GENERATE(table<Constraint, std::string>(
        {{Constraint::min_mem, "min_mem: min_mem_mb leaves no more to lend."},
         {Constraint::oom_credit,
          "oom_credit: the guest took memory back when it ran out, and is not asked for that "
          "again."},
         {Constraint::hotplug, "hotplug: memory hotplug is running or has just run."},
         {Constraint::migrating, "migrating: the domain is being migrated."},
         {Constraint::paused, "paused: the domain is not running."},
         {Constraint::disabled, "disabled: the operator switched lending off."},
         {Constraint::stale_stats, "stale_stats: the guest's statistics are missing or too old."},
         {Constraint::stuck, "stuck: the guest makes no progress towards its target."},
         {Constraint::no_driver,
          "no_driver: the domain has no balloon device, or no driver answers it."},
         {Constraint::rate_limit, "rate_limit: one tick moves no more than the configured step."},
         {Constraint::deadband, "deadband: the difference is too small to be worth a move."},
         {Constraint::reservation, "reservation: host memory is reserved."},
         {Constraint::host_floor, "host_floor: the host does not have the memory free yet."},
         {Constraint::pinned_memory,
          "pinned_memory: the domain's memory is pinned, lending would free nothing."},
         {Constraint::backend_error, "backend_error: the hypervisor refused or failed."}}));
    Decision decision = lend_more();
    decision.constraint = constraint;
    decision.decided_bytes = decision.loan_target_bytes = decision.loaned_after_bytes = 64 * kMiB;
    CHECK(
        explain(snapshot_of(decision), 0) ==
        "db, tick 12: Policy cmm asks it to lend 512 MiB more. It lends 0 B of 2 GiB, so it keeps "
        "2 GiB; min_mem_mb guards 256 MiB. Decided: lend 64 MiB (+64 MiB); what bound it is " +
            words + " Done: it lends 64 MiB now.");
}

TEST_CASE("no two constraints share a name or a reason") {
    for (std::size_t a = 0; a < kConstraintCount; ++a) {
        for (std::size_t b = a + 1; b < kConstraintCount; ++b) {
            CHECK(to_string(static_cast<Constraint>(a)) != to_string(static_cast<Constraint>(b)));
            CHECK(describe(static_cast<Constraint>(a)) != describe(static_cast<Constraint>(b)));
        }
    }
}

TEST_CASE("figures at the ends of their types are told, not wrapped") {
    Decision decision = lend_more();
    decision.request_bytes = INT64_MIN;
    CHECK_THAT(explain(snapshot_of(decision), 0), Contains("wants 8192 PiB given back"));
    decision.loaned_before_bytes = 3 * kGiB;  // of 2 GiB
    CHECK_THAT(explain(snapshot_of(decision), 0), Contains("so it keeps 0 B"));
}

TEST_CASE("each domain is told of its own trouble") {
    Snapshot snapshot = snapshot_of(lend_more());
    auto names = std::make_shared<DomainNames>(*snapshot.names);
    names->key.push_back(key_from_name("web"));
    names->name.emplace_back("web");
    snapshot.names = std::move(names);
    snapshot.decisions.push_back(lend_more());
    snapshot.troubles = {{1, "no free page"}};
    CHECK_THAT(explain(snapshot, 0), !Contains("The hypervisor said"));
    CHECK_THAT(explain(snapshot, 1), Contains("web, tick 12"));
    CHECK_THAT(explain(snapshot, 1), Contains("The hypervisor said: no free page."));
}

TEST_CASE("a decision that moves nothing says so, and a wish for nothing too") {
    Decision decision = lend_more();
    decision.request_bytes = 0;
    decision.decided_bytes = 0;
    const std::string text = explain(snapshot_of(decision), 0);
    CHECK_THAT(text, Contains("asks for no change"));
    CHECK_THAT(text, Contains("Nothing moves"));
    CHECK_THAT(text, !Contains("Done"));
}

TEST_CASE("a give-back names its size and direction") {
    Decision decision = lend_more();
    decision.request_bytes = -static_cast<std::int64_t>(256 * kMiB);
    decision.loaned_before_bytes = 512 * kMiB;
    decision.decided_bytes = 256 * kMiB;
    decision.loaned_after_bytes = 256 * kMiB;
    const std::string text = explain(snapshot_of(decision), 0);
    CHECK_THAT(text, Contains("wants 256 MiB given back to it"));
    CHECK_THAT(text, Contains("(-256 MiB)"));
}

TEST_CASE("the OOM credit and where it comes from are told") {
    Decision decision = lend_more();
    decision.oom_freed_bytes = 64 * kMiB;
    CHECK_THAT(explain(snapshot_of(decision), 0), Contains("OOM credit of 64 MiB"));
}

TEST_CASE("a move that came short tells how far it came, and what the hypervisor said") {
    Decision decision = lend_more();
    decision.outcome =
        GENERATE(StepStatus::partial, StepStatus::refused, StepStatus::gone, StepStatus::failed);
    decision.loaned_after_bytes = 100 * kMiB;
    decision.loan_target_bytes = 0;
    Snapshot snapshot = snapshot_of(decision);
    snapshot.troubles = {{0, "no free page"}};
    const std::string text = explain(snapshot, 0);
    CHECK_THAT(text, Contains("came short (" + std::string(to_string(decision.outcome)) + ")"));
    CHECK_THAT(text, Contains("it lends 100 MiB now and its target is 0 B"));
    CHECK_THAT(text, Contains("The hypervisor said: no free page."));
}

TEST_CASE("a guest that moves in its own time is not said to have moved") {
    Decision decision = lend_more();
    decision.outcome = StepStatus::accepted;
    const std::string text = explain(snapshot_of(decision), 0);
    CHECK_THAT(text, Contains("moves in its own time"));
    CHECK_THAT(text, !Contains("Done"));
}

TEST_CASE("a hypervisor that does not answer is told first") {
    Snapshot snapshot = snapshot_of(lend_more());
    snapshot.backend_up = false;
    snapshot.backend_error = "connection refused";
    CHECK_THAT(explain(snapshot, 0),
               Contains("the hypervisor does not answer (connection refused)"));
}
