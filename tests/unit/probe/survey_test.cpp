#include "probe/survey.h"

#include <set>

#include "probe/rows.h"
#include "probe_fixture.h"
#include "tests/unit/probe/made_finding.h"

using namespace ballast;
using namespace ballast::probe;
using namespace ballast::probe::test;
using ballast::test::made_finding;
using Catch::Matchers::Contains;

namespace {

Survey::Options few() {
    Survey::Options options;
    options.types = {find_scale_type("empty"), find_scale_type("refcnt")};
    options.readers = {1, 2};
    options.runs = 5;
    options.section = {.loops = 100};
    return options;
}

}  // namespace

TEST_CASE("a finding is steady, noisy or unusable by its spread and what was kept of it") {
    CHECK(quality(made_finding("rcu", 1, {100, 100, 101, 102, 103}), 5) == Quality::steady);
    CHECK(quality(made_finding("rcu", 1, {100, 100, 101, 106, 107}), 5) == Quality::noisy);
    CHECK(quality(made_finding("rcu", 1, {100, 100, 101, 102, 103}), 6) == Quality::noisy);
    CHECK(quality(made_finding("rcu", 1, {10, 20, 30, 40, 50}), 5) == Quality::unusable);
    CHECK(quality(made_finding("rcu", 1, {100, 100}), 5) == Quality::noisy);
    CHECK(quality(made_finding("rcu", 1, {100}), 5) == Quality::unusable);
    CHECK(quality(made_finding("rcu", 1, {100}), 1) ==
          Quality::noisy);  // says nothing of its spread
    CHECK(quality(made_finding("rcu", 1, {0, 0, 0}), 3) == Quality::unusable);
    CHECK(quality(made_finding("rcu", 1, {100, 100, 100}, 9), 3) == Quality::steady);
    CHECK(quality(made_finding("rcu", 1, {100, 100, 100}, 10), 3) == Quality::noisy);
    CHECK(quality(made_finding("rcu", 1, {}), 5) == Quality::unusable);
}

TEST_CASE("a survey measures each scheme with each number of readers, and its update") {
    const auto team = two_readers();
    const SystemClock clock;
    Survey survey(*team, clock, few());
    std::size_t steps = 0;
    while (survey.step()) ++steps;
    CHECK(survey.done() == 1);
    const auto findings = survey.findings();
    REQUIRE(findings.size() == 5);  // empty has no update
    std::size_t tried = 0;
    for (const Finding& each : findings) {
        CHECK(each.tried >= each.kept());
        CHECK((each.kept() == 5 || each.tried == 50));
        tried += each.tried;
        std::size_t verdicts = 0;
        for (const std::size_t count : each.verdicts) verdicts += count;
        CHECK(verdicts == each.tried);
        CHECK(each.verdicts[0] == each.kept());
    }
    CHECK(tried == steps);
    CHECK_FALSE(survey.step());
}

TEST_CASE("each round of a survey has an order of its own, which the seed decides") {
    const auto team = two_readers();
    const SystemClock clock;
    const auto order_of = [&](std::uint64_t seed) {
        Survey::Options options = few();
        options.seed = seed;
        Survey survey(*team, clock, options);
        std::vector<std::string> order;
        for (int i = 0; i < 5; ++i) {
            survey.step();
            order.push_back(survey.last().substr(0, survey.last().rfind(':')));
        }
        return order;
    };
    CHECK(order_of(1) == order_of(1));
    std::set<std::vector<std::string>> orders;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) orders.insert(order_of(seed));
    CHECK(orders.size() > 1);
}

TEST_CASE("rows stand beside empty and refcnt with as many readers") {
    const std::vector<Finding> findings{
        made_finding("empty", 1, {2, 2, 2}),        made_finding("empty", 2, {4, 4, 4}),
        made_finding("refcnt", 1, {10, 10, 10}),    made_finding("refcnt", 2, {40, 40, 40}),
        made_finding("refcnt", 0, {100, 101, 102}), made_finding("rcu", 1, {6, 6, 6}),
        made_finding("rcu", 2, {1, 50, 100})};
    const auto rows = rows_of(findings, 3);
    REQUIRE(rows.size() == 6);
    CHECK(rows[3].x_empty == Approx(10));
    CHECK(rows[3].x_refcnt == Approx(1));
    REQUIRE(rows[3].update);
    CHECK(rows[3].update->ns.median == 101);
    CHECK(rows[4].x_empty == Approx(3));
    CHECK(rows[4].x_refcnt == Approx(0.6));
    CHECK_FALSE(rows[4].update);
    CHECK(rows[4].note().empty());
    CHECK_FALSE(rows[5].x_empty);
    CHECK_THAT(rows[5].note(), Contains("too noisy to tell"));
}

TEST_CASE("as JSON, what means nothing is null and not valid") {
    std::vector<Finding> findings{made_finding("rcu", 1, {6, 6, 6}),
                                  made_finding("rcu", 2, {1, 50, 100}),
                                  made_finding("srcu-fast", 1, {})};
    findings[1].verdicts[static_cast<std::size_t>(Verdict::switched)] = 7;
    findings[2].unsupported = "no such kernel";
    const auto list = json_of(rows_of(findings, 3));
    REQUIRE(list.size() == 3);
    CHECK(list[0]["scale_type"] == "rcu");
    CHECK(list[0]["readers"] == 1);
    CHECK(list[0]["median_ns"] == 6);
    CHECK(list[0]["min_ns"] == 6);
    CHECK(list[0]["iqr_ns"] == 0);
    CHECK(list[0]["kept"] == 3);
    CHECK(list[0]["tried"] == 5);
    CHECK(list[0]["valid"] == true);
    CHECK(list[1]["valid"] == false);
    CHECK(list[1]["median_ns"].is_null());
    CHECK(list[1]["verdicts"]["switched out"] == 7);
    CHECK_THAT(list[1]["note"].get<std::string>(), Contains("7 of them switched out"));
    CHECK(list[2]["note"] == "not possible here: no such kernel");
}
