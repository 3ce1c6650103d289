#include "sim/fault_plan.h"

#include <catch2/catch.hpp>

using namespace ballast;
using namespace std::chrono_literals;

namespace {

ScenarioFault fault(std::string call) {
    ScenarioFault f;
    f.call = std::move(call);
    f.answer = "H_BUSY";
    return f;
}

// Which of the first `calls` calls are hit, numbered from 1.
std::vector<int> hits(FaultPlan& plan, int calls, std::string_view domain = "a",
                      std::string_view call = "observe", Duration at = 0s) {
    std::vector<int> numbers;
    for (int i = 1; i <= calls; ++i)
        if (plan.hit(domain, call, at) != nullptr) numbers.push_back(i);
    return numbers;
}

}  // namespace

TEST_CASE("an empty plan hits nothing") {
    FaultPlan plan;
    CHECK(plan.hit("a", "observe", 0s) == nullptr);
    CHECK_FALSE(plan.concerns("observe"));
}

TEST_CASE("a bare fault hits every call of its name and no other") {
    FaultPlan plan({fault("observe")});
    CHECK(hits(plan, 3) == std::vector<int>{1, 2, 3});
    CHECK(plan.hit("a", "apply", 0s) == nullptr);
    CHECK(plan.concerns("observe"));
    CHECK_FALSE(plan.concerns("apply"));
}

TEST_CASE("every, skip and times combine") {
    ScenarioFault f = fault("observe");
    f.every = 3;
    f.skip = 2;
    f.times = 2;
    FaultPlan plan({f});
    CHECK(hits(plan, 20) == std::vector<int>{5, 8});
}

TEST_CASE("calls outside the window neither fail nor count") {
    ScenarioFault f = fault("observe");
    f.from = 10s;
    f.until = 20s;
    f.every = 2;
    FaultPlan plan({f});
    CHECK(hits(plan, 3, "a", "observe", 9s).empty());
    CHECK(hits(plan, 2, "a", "observe", 10s) == std::vector<int>{2});
    CHECK(hits(plan, 5, "a", "observe", 20s).empty());
}

TEST_CASE("domains match by name or glob and share one count") {
    ScenarioFault f = fault("observe");
    f.domain = "db-*";
    f.every = 2;
    FaultPlan plan({f});
    CHECK(plan.hit("web", "observe", 0s) == nullptr);
    CHECK(plan.hit("db-1", "observe", 0s) == nullptr);
    CHECK(plan.hit("db-2", "observe", 0s) != nullptr);
    f.domain = "db-1";
    FaultPlan exact({f});
    CHECK(hits(exact, 4, "db-1") == std::vector<int>{2, 4});
    CHECK(hits(exact, 4, "db-11").empty());
}

TEST_CASE("H_PAGE_INIT covers both directions, a direction only itself") {
    FaultPlan both({fault("H_PAGE_INIT")});
    CHECK(both.hit("a", "H_PAGE_INIT_LOANED", 0s) != nullptr);
    CHECK(both.hit("a", "H_PAGE_INIT_ACTIVE", 0s) != nullptr);
    CHECK(both.concerns("H_PAGE_INIT_ACTIVE"));
    FaultPlan loaned({fault("H_PAGE_INIT_LOANED")});
    CHECK(loaned.hit("a", "H_PAGE_INIT_ACTIVE", 0s) == nullptr);
}

TEST_CASE("the first fault answers and the others keep their times") {
    ScenarioFault first = fault("observe");
    first.answer = "first";
    first.times = 1;
    ScenarioFault second = fault("observe");
    second.answer = "second";
    second.times = 1;
    FaultPlan plan({first, second});
    CHECK(plan.hit("a", "observe", 0s)->answer == "first");
    CHECK(plan.hit("a", "observe", 0s)->answer == "second");
    CHECK(plan.hit("a", "observe", 0s) == nullptr);
}
