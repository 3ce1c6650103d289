// One decision at a time: what limits it, and what it is called.
#include "controller/decide.h"

#include <catch2/catch.hpp>

#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

constexpr Time kNow{std::chrono::hours(1)};

// A guest of 1 GiB that lends 400 MiB, 100 of which it came with.
struct One {
    One() {
        seen.domains.resize(1);
        seen.domains.page_shift[0] = 12;
        seen.domains.total_bytes[0] = kGiB;
        seen.domains.usable_bytes[0] = 400 * kMiB;
        loaned(400 * kMiB);
        control.original_loaned_bytes = 100 * kMiB;
        rules.gate.delay = 1s;
        rules.surge = {.limits = {.below_bytes = 64 * kMiB, .below_percent = 10, .faults_per_s = 0},
                       .backoff = 60s};
    }
    void loaned(std::uint64_t bytes) { seen.domains.loaned_bytes[0] = bytes; }
    void in_distress() { seen.domains.usable_bytes[0] = kMiB; }
    Decision ask(std::int64_t request_bytes) {
        Decision decision;
        decide(seen, 0, request_bytes, kNow, rules, control, decision);
        return decision;
    }
    Observation seen;
    DomainControl control;
    DecisionRules rules;
};

constexpr auto kSomeMore = static_cast<std::int64_t>(50 * kMiB);
constexpr auto kAllBack = -static_cast<std::int64_t>(kGiB);

}  // namespace

TEST_CASE("a domain that is switched off gives back what was lent, not what it came with") {
    One one;
    const bool all = GENERATE(false, true);
    one.control.disabled = !all;
    one.rules.evacuating = all;
    const Decision decision = one.ask(kSomeMore);
    CHECK(decision.decided_bytes == 100 * kMiB);
    CHECK(decision.constraint == Constraint::disabled);
}

TEST_CASE("a domain that is switched off and has taken more back is not made to lend again") {
    One one;
    one.control.disabled = true;
    one.loaned(30 * kMiB);
    CHECK(one.ask(0).decided_bytes == 30 * kMiB);
}

TEST_CASE("a domain that is switched off and cannot move is left alone") {
    const DomainFlags flag = GENERATE(DomainFlags::paused, DomainFlags::crashed,
                                      DomainFlags::migrating, DomainFlags::no_driver);
    One one;
    one.control.disabled = true;
    one.seen.domains.flags[0] = flag;
    const Decision decision = one.ask(kSomeMore);
    CHECK(decision.decided_bytes == 400 * kMiB);
    CHECK(decision.constraint == Constraint::disabled);
}

TEST_CASE("a domain that is switched off gives back also where lending is held") {
    One one;
    one.control.disabled = true;
    one.seen.domains.flags[0] = DomainFlags::pinned_memory;
    CHECK(one.ask(0).decided_bytes == 100 * kMiB);
}

TEST_CASE("a domain that is switched off, in distress or not, keeps its loan target") {
    const bool distress = GENERATE(false, true);
    One one;
    if (distress) one.in_distress();
    one.control.disabled = true;
    one.control.loan_target_bytes = 321 * kMiB;
    const Decision decision = one.ask(kSomeMore);
    CHECK(decision.constraint == (distress ? Constraint::surge : Constraint::disabled));
    CHECK(decision.loan_target_bytes == 321 * kMiB);
    CHECK(one.control.loan_target_bytes == 321 * kMiB);
}

TEST_CASE("a domain that is held keeps its loan and its target, whatever is asked") {
    One one;
    one.control.loan_target_bytes = 321 * kMiB;
    one.control.paused = true;
    for (const std::int64_t request : {kSomeMore, kAllBack}) {
        const Decision decision = one.ask(request);
        CHECK(decision.decided_bytes == 400 * kMiB);
        CHECK(decision.constraint == Constraint::paused);
        CHECK(one.control.loan_target_bytes == 321 * kMiB);
    }
}

TEST_CASE("a domain that is held altogether does not begin to run short") {
    One one;
    one.in_distress();
    one.control.paused = true;
    CHECK(one.ask(0).constraint == Constraint::paused);
    CHECK(one.control.surge.until == Time{});
}

TEST_CASE("a domain whose inflation is held says so before anything is wanted of it") {
    One one;
    one.seen.domains.flags[0] = DomainFlags::no_stats;
    CHECK(one.ask(0).constraint == Constraint::no_stats);
    CHECK(one.ask(kSomeMore).constraint == Constraint::no_stats);
    CHECK(one.ask(kSomeMore).decided_bytes == 400 * kMiB);
    const Decision back = one.ask(-static_cast<std::int64_t>(kMiB));
    CHECK(back.decided_bytes == 399 * kMiB);
    CHECK(back.constraint == Constraint::none);
}

TEST_CASE("a guest in distress has back what was lent, unless more goes back to it anyway") {
    One one;
    one.in_distress();
    const Decision surge = one.ask(kSomeMore);
    CHECK(surge.decided_bytes == 100 * kMiB);
    CHECK(surge.constraint == Constraint::surge);
    const Decision more = one.ask(kAllBack);
    CHECK(more.decided_bytes == 0);
    CHECK(more.constraint == Constraint::surge);  // it is served first
}

TEST_CASE("a guest in distress that lends less than it came with is asked for nothing") {
    One one;
    one.control.surge.until = kNow + 1s;
    one.loaned(30 * kMiB);
    CHECK(one.ask(kSomeMore).decided_bytes == 30 * kMiB);
    CHECK(one.ask(kSomeMore).constraint == Constraint::surge);
    CHECK(one.ask(0).decided_bytes == 30 * kMiB);
    CHECK(one.ask(0).constraint == Constraint::surge);  // why it would not lend
}

TEST_CASE("a stuck guest is not asked for more until its time comes, and gives back at any time") {
    One one;
    one.control.progress.stuck = true;
    one.control.progress.retry_at = kNow + 1ns;
    CHECK(one.ask(kSomeMore).decided_bytes == 400 * kMiB);
    CHECK(one.ask(kSomeMore).constraint == Constraint::stuck);
    CHECK(one.ask(0).constraint == Constraint::stuck);
    const Decision back = one.ask(kAllBack);
    CHECK(back.decided_bytes == 0);
    CHECK(back.constraint == Constraint::stuck);
    one.control.progress.retry_at = kNow;
    CHECK(one.ask(kSomeMore).decided_bytes == 450 * kMiB);
    CHECK(one.ask(kSomeMore).constraint == Constraint::none);
}

TEST_CASE("one tick inflates by no more than max_step, in whole pages, and gives back at once") {
    One one;
    one.control.max_step_bytes = 10 * kMiB + 1;
    CHECK(one.ask(kSomeMore).decided_bytes == 410 * kMiB);
    CHECK(one.ask(kSomeMore).constraint == Constraint::rate_limit);
    CHECK(one.ask(kAllBack).decided_bytes == 0);
    const auto a_step = static_cast<std::int64_t>(10 * kMiB);
    CHECK(one.ask(a_step).decided_bytes == 410 * kMiB);
    CHECK(one.ask(a_step).constraint == Constraint::none);
    one.control.max_step_bytes = 1;  // less than a page is a page
    CHECK(one.ask(kSomeMore).decided_bytes == 400 * kMiB + kPage);
}

TEST_CASE("a request of less than a page is none, in either direction") {
    One one;
    for (const std::int64_t request : {std::int64_t{4095}, std::int64_t{-4095}})
        CHECK(one.ask(request).decided_bytes == 400 * kMiB);
    CHECK(one.ask(4096).decided_bytes == 400 * kMiB + kPage);
    CHECK(one.ask(-4096).decided_bytes == 400 * kMiB - kPage);
    CHECK(one.control.loan_target_bytes == 400 * kMiB - kPage);
}
