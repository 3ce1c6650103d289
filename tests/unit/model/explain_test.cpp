#include <catch2/catch.hpp>

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

TEST_CASE("every constraint is named and said in words") {
    for (int i = 1; i <= static_cast<int>(Constraint::backend_error); ++i) {
        const auto constraint = static_cast<Constraint>(i);
        Decision decision = lend_more();
        decision.constraint = constraint;
        const std::string text = explain(snapshot_of(decision), 0);
        INFO(text);
        CHECK_THAT(text, Contains("what bound it is " + std::string(to_string(constraint))));
        CHECK_THAT(text, Contains(std::string(describe(constraint))));
        CHECK(describe(constraint).size() > 10);
    }
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
