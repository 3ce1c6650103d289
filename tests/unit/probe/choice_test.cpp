#include "probe/choice.h"

#include <catch2/catch.hpp>
#include "tests/unit/probe/made_finding.h"

using namespace ballast;
using namespace ballast::probe;
using ballast::test::made_finding;
using Catch::Matchers::Contains;

namespace {

const std::vector<Cost> costs{{"percpu-ref", 2, 4000, true}, {"perthread-ref", 7, 4000, true},
                              {"atomic-ref", 20, 60, true},  {"rcu-qsbr", 0.3, 1, true},
                              {"rwlock", 1, 1, true},        {"refcnt", 10, 10, true},
                              {"empty", 0.1, 0, true}};

Use use(double reads_per_s, double updates_per_s) {
    return {.name = "some_refs",
            .needs = needs_of_ballast(),
            .offers = module_offers(),
            .reads_per_s = reads_per_s,
            .updates_per_s = updates_per_s};
}

const Candidate& candidate(const Choice& choice, const std::string& name) {
    for (const Candidate& each : choice.candidates)
        if (each.cost.scale_type == name) return each;
    throw std::out_of_range(name);
}

}  // namespace

TEST_CASE("where much is read the cheap reader wins, where much changes the cheap update") {
    CHECK(choose(use(1e6, 1), costs).chosen == RefScheme::percpu);
    CHECK(choose(use(1, 1), costs).chosen == RefScheme::atomic);
    // 18 ns a read saved are worth 3940 ns an update from 219 reads an update on.
    CHECK(choose(use(218, 1), costs).chosen == RefScheme::atomic);
    CHECK(choose(use(220, 1), costs).chosen == RefScheme::percpu);
}

TEST_CASE("the arithmetic is reads times read cost and updates times update cost") {
    const Choice choice = choose(use(1000, 2), costs);
    CHECK(candidate(choice, "percpu-ref").ns_per_s == 1000 * 2 + 2 * 4000);
    CHECK(candidate(choice, "atomic-ref").ns_per_s == 1000 * 20 + 2 * 60);
    CHECK_THAT(explain(choice),
               Contains("-> percpu-ref") && Contains("1000/s x 2 ns + 2/s x 4000 ns = 1e+04 ns/s"));
}

TEST_CASE("a cheaper scheme that is unsafe for the use is never chosen, and why is told") {
    const Choice choice = choose(use(1e6, 1), costs);
    CHECK(candidate(choice, "rcu-qsbr").unsafe == "threads must register");
    CHECK(candidate(choice, "rwlock").unsafe == "updates wait for the longest reader");
    CHECK(candidate(choice, "empty").unsafe == "does not keep what is read");
    CHECK(candidate(choice, "refcnt").unsafe.empty());
    CHECK_FALSE(candidate(choice, "refcnt").offered);
    CHECK_FALSE(choice.candidates.front().cost.scale_type == "empty");
    CHECK_THAT(explain(choice), Contains("unsafe: does not keep what is read"));
    // Needs decide: where nothing is needed, nothing is unsafe.
    const Choice careless = choose(Use{"none", {}, {}, 1, 1, {}}, costs);
    CHECK(candidate(careless, "rcu-qsbr").unsafe.empty());
}

TEST_CASE("each use is weighed by what measures it there") {
    const std::vector<Cost> both{{"percpu-ref", 1, 1, true},
                                 {"atomic-ref", 9, 9, true},
                                 {"snapshot-percpu", 9, 9, true},
                                 {"snapshot", 1, 1, true}};
    probe::Use some = use(1, 1);
    CHECK(choose(some, both).chosen == RefScheme::percpu);
    some.offers = snapshot_offers();
    CHECK(choose(some, both).chosen == RefScheme::atomic);
    CHECK_THAT(explain(choose(some, both)), Contains("-> snapshot "));
}

TEST_CASE("what an operator chose stays chosen") {
    const Choice choice = choose(use(1e6, 1), costs, RefScheme::perthread);
    CHECK(choice.chosen == RefScheme::perthread);
    CHECK(choice.configured);
    CHECK_THAT(explain(choice), Contains("perthread (configured)"));
}

TEST_CASE("findings replace assumed costs where they mean something") {
    std::vector<Finding> findings{made_finding("percpu-ref", 1, {3, 3, 3}),
                                  made_finding("percpu-ref", 2, {9, 9, 9}),
                                  made_finding("percpu-ref", 0, {500, 500, 500}),
                                  made_finding("atomic-ref", 1, {1, 50, 100}),
                                  made_finding("srcu", 1, {19, 19, 19}),
                                  made_finding("srcu", 0, {900, 900, 900}),
                                  made_finding("rcu", 1, {4, 4, 4}),
                                  made_finding("perthread-ref", 1, {})};
    findings.back().unsupported = "no membarrier";
    const auto known = costs_of(findings, 3);
    const Choice choice = choose(use(1, 1), known);
    CHECK(candidate(choice, "percpu-ref").cost.read_ns == 3);
    CHECK(candidate(choice, "percpu-ref").cost.update_ns == 500);
    CHECK(candidate(choice, "percpu-ref").cost.measured);
    CHECK_FALSE(candidate(choice, "atomic-ref").cost.measured);
    CHECK(candidate(choice, "srcu").cost.read_ns == 19);
    CHECK(candidate(choice, "srcu").cost.update_ns == 900);
    CHECK_THROWS(candidate(choice, "rcu"));            // half of it is not known
    CHECK_THROWS(candidate(choice, "perthread-ref"));  // cannot be had here
    CHECK_THAT(explain(choice), Contains("assumed"));
}

TEST_CASE("the choice as JSON carries the arithmetic and the text") {
    Choice choice = choose(use(1000, 2), costs);
    choice.cheaper_now = RefScheme::atomic;
    const auto object = json_of(choice);
    CHECK(object["use"] == "some_refs");
    CHECK(object["chosen"] == "percpu");
    CHECK(object["configured"] == false);
    CHECK(object["cheaper_now"] == "atomic");
    CHECK(object["reads_per_second"] == 1000);
    CHECK(object["candidates"].size() == costs.size());
    CHECK(object["candidates"][0]["safe"] == true);
    CHECK_THAT(object["text"].get<std::string>(), Contains("atomic would be cheaper by now"));
}
