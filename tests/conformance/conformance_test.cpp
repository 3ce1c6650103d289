// Ballast against the kernel's own driver, and proof that the comparison can fail.
#include <catch2/catch.hpp>

#include "tests/conformance/traces.h"

using namespace ballast;
using namespace ballast::conform;

namespace {

std::string told(const Comparison& comparison) {
    if (!comparison.first) return comparison.name;
    return comparison.name + ":" + std::to_string(comparison.first->line) + ": " +
           comparison.first->what + ": driver " + comparison.first->driver + ", Ballast " +
           comparison.first->ballast;
}

struct Sum {
    std::uint64_t compared = 0;
    std::uint64_t differ = 0;
    std::vector<std::string> differing;  // traces, by name
};

Sum replay_all(const RuleSet& rules) {
    static const std::vector<Trace> traces = all_traces();
    Sum sum;
    for (const Trace& trace : traces) {
        const auto comparison = replay(trace, rules);
        if (!comparison) throw std::runtime_error(comparison.error().message());
        sum.compared += comparison->compared;
        sum.differ += comparison->differ;
        if (comparison->differ > 0) sum.differing.push_back(trace.name);
    }
    return sum;
}

bool differs(const Sum& sum, const std::string& scenario) {
    return std::any_of(sum.differing.begin(), sum.differing.end(), [&](const std::string& name) {
        return name.compare(0, scenario.size(), scenario) == 0;
    });
}

}  // namespace

TEST_CASE("every trace of the driver is followed to the page") {
    std::uint64_t compared = 0;
    for (const Trace& trace : all_traces()) {
        const auto comparison = replay(trace);
        REQUIRE(comparison);
        INFO(told(*comparison));
        CHECK(comparison->differ == 0);
        CHECK(comparison->compared > 30);
        compared += comparison->compared;
    }
    CHECK(compared > 6000);
}

TEST_CASE("every poll of the driver, as a vector, gives its target") {
    const auto comparison =
        compare_vectors(contents(trace_folder() / "poll_vectors.csv"), "poll_vectors.csv");
    REQUIRE(comparison);
    INFO(told(*comparison));
    CHECK(comparison->differ == 0);
    CHECK(comparison->compared > 800);
}

TEST_CASE("without the OOM credit the comparison fails") {
    RuleSet rules;
    rules.target = [](const CmmInputs& in, const CmmSafeguards& safeguards) noexcept {
        CmmInputs without = in;
        without.oom_credit_pages = 0;
        return cmm_target(without, safeguards);
    };
    CHECK(differs(replay_all(rules), "04_oomcredit"));
    const auto vectors =
        compare_vectors(contents(trace_folder() / "poll_vectors.csv"), "vectors", rules);
    REQUIRE(vectors);
    CHECK(vectors->differ > 0);
}

TEST_CASE("with the min_mem clamp off by one page the comparison fails") {
    RuleSet rules;
    const auto more = [](const CmmInputs& in, const CmmSafeguards& safeguards) noexcept {
        CmmInputs off = in;
        ++off.min_mem_pages;
        return cmm_target(off, safeguards);
    };
    const auto less = [](const CmmInputs& in, const CmmSafeguards& safeguards) noexcept {
        CmmInputs off = in;
        if (off.min_mem_pages > 0) --off.min_mem_pages;
        return cmm_target(off, safeguards);
    };
    rules.target = GENERATE_COPY(as<decltype(rules.target)>{}, more, less);
    CHECK(differs(replay_all(rules), "02_clamp"));
    const auto vectors =
        compare_vectors(contents(trace_folder() / "poll_vectors.csv"), "vectors", rules);
    REQUIRE(vectors);
    CHECK(vectors->differ > 0);
}

TEST_CASE("without the hotplug gate the comparison fails") {
    RuleSet rules;
    rules.gate = [](DomainControl&, DomainFlags, Time, const GateRules&) noexcept {
        return GateAnswer{};
    };
    CHECK(differs(replay_all(rules), "09_hotplug"));
}

TEST_CASE("with a suspension that ends a delay too early the comparison fails") {
    RuleSet rules;
    rules.gate = [](DomainControl& control, DomainFlags flags, Time now,
                    const GateRules& gate_rules) noexcept {
        GateRules shorter = gate_rules;
        shorter.delay = Duration{0};
        return gate(control, flags, now, shorter);
    };
    CHECK(differs(replay_all(rules), "09_hotplug"));
}

TEST_CASE("with the safe profile's give-back during a suspension the comparison fails") {
    RuleSet rules;
    rules.gate = [](DomainControl& control, DomainFlags flags, Time now,
                    const GateRules& gate_rules) noexcept {
        GateRules safe = gate_rules;
        safe.always_give_back = true;
        return gate(control, flags, now, safe);
    };
    CHECK(differs(replay_all(rules), "09_hotplug"));
}

TEST_CASE("with the safe profile's credit the comparison fails") {
    RuleSet rules;
    rules.target = [](const CmmInputs& in, const CmmSafeguards& safeguards) noexcept {
        CmmSafeguards safe = safeguards;
        safe.credit_after_clamp = true;
        return cmm_target(in, safe);
    };
    CHECK(replay_all(rules).differ > 0);
}

TEST_CASE("without the fallback of the target the comparison fails") {
    RuleSet rules;
    rules.fall_back = [](DomainControl&, Decision&) noexcept {};
    CHECK(differs(replay_all(rules), "03_allocfail"));
}

TEST_CASE("with an OOM that does not set the target the comparison fails") {
    RuleSet rules;
    rules.book_oom = [](const Event& event, DomainControl& control) noexcept {
        const std::uint64_t target = control.loan_target_bytes;
        book_oom(event, control);
        control.loan_target_bytes = target;
    };
    CHECK(differs(replay_all(rules), "04_oomcredit"));
}
