#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "config/scenario_parts.h"
#include "config/text.h"

namespace ballast {
namespace {

using Words = std::vector<std::string_view>;

struct CallRule {
    std::string_view call;
    Words answers;
    Words late_answers;          // of them, those that `delay` may go with
    bool whole_backend = false;  // one call for all domains, not one for each
};

const std::vector<CallRule>& pseries_calls() {
    static const Words kHcallAnswers{"H_BUSY",
                                     "H_LONG_BUSY_ORDER_1_MSEC",
                                     "H_LONG_BUSY_ORDER_10_MSEC",
                                     "H_LONG_BUSY_ORDER_100_MSEC",
                                     "H_LONG_BUSY_ORDER_1_SEC",
                                     "H_LONG_BUSY_ORDER_10_SEC",
                                     "H_LONG_BUSY_ORDER_100_SEC",
                                     "H_HARDWARE",
                                     "H_FUNCTION",
                                     "H_PRIVILEGE",
                                     "H_PARAMETER",
                                     "H_NOT_FOUND",
                                     "H_NO_MEM",
                                     "H_AUTHORITY",
                                     "H_RESOURCE"};
    static const std::vector<CallRule> calls{
        {"H_GET_MPP", kHcallAnswers, kHcallAnswers},
        {"H_PAGE_INIT", kHcallAnswers, kHcallAnswers},
        {"H_PAGE_INIT_LOANED", kHcallAnswers, kHcallAnswers},
        {"H_PAGE_INIT_ACTIVE", kHcallAnswers, kHcallAnswers},
        {"guest_alloc", {"fail", "oom"}, {"fail"}},
        {"guest_free", {"fail", "oom"}, {"fail"}},
        {"hotplug_trylock", {"fail"}, {"fail"}},
    };
    return calls;
}

const std::vector<CallRule>& mock_calls() {
    static const std::vector<CallRule> calls{
        {"observe", {"error", "timeout"}, {}, true},
        {"observe_domain", {"missing"}, {}},
        {"apply", {"refuse", "error", "partial", "gone"}, {"partial"}},
    };
    return calls;
}

const CallRule* read_call(Section& section, const std::string& backend, ScenarioFault& fault) {
    if (backend != "pseries" && backend != "mock") {
        section.text("call", fault.call);
        return nullptr;
    }
    const auto& calls = backend == "pseries" ? pseries_calls() : mock_calls();
    Words names;
    for (const CallRule& rule : calls) names.push_back(rule.call);
    section.require("call", fmt::format("one of: {}", fmt::join(names, ", ")));
    const auto index = section.choice("call", names);
    if (!index) return nullptr;
    fault.call = names[*index];
    return &calls[*index];
}

void check_delay(Section& section, const CallRule& rule, std::string_view answer) {
    const Words& late = rule.late_answers;
    if (late.empty()) {
        section.problem("delay", fmt::format("{} means nothing to '{}', expected an answer: {}",
                                             section.full_name("delay"), rule.call,
                                             fmt::join(rule.answers, ", ")));
    } else if (!answer.empty() && std::find(late.begin(), late.end(), answer) == late.end()) {
        section.problem("delay",
                        fmt::format("{} means nothing to '{}', expected it alone or with: {}",
                                    section.full_name("delay"), answer, fmt::join(late, ", ")));
    }
}

void read_answer(Section& section, const CallRule* rule, ScenarioFault& fault) {
    const bool has_delay = section.duration("delay", fault.delay, {Duration{0}, kLongestScenario});
    if (rule == nullptr) {
        section.text("answer", fault.answer);
        return;
    }
    if (const auto index = section.choice("answer", rule->answers)) {
        fault.answer = rule->answers[*index];
    }
    // A fault may delay alone.
    if (!has_delay) {
        section.require("answer", fmt::format("one of: {}", fmt::join(rule->answers, ", ")));
    }
    if (rule->whole_backend && !fault.domain.empty()) {
        section.problem("domain",
                        fmt::format("{} is '{}', expected none: '{}' is one call for all",
                                    section.full_name("domain"), shown(fault.domain), rule->call));
    }
    if (has_delay) check_delay(section, *rule, fault.answer);
}

void read_times(Section& section, const ScenarioContext& context, ScenarioFault& fault) {
    section.duration("from", fault.from, {Duration{0}, context.latest});
    section.duration("until", fault.until, {Duration{0}, context.latest});
    if (fault.until && *fault.until <= fault.from) {
        section.problem(
            "until",
            fmt::format("{} is {}, expected a time after 'from', {}", section.full_name("until"),
                        format_duration(*fault.until), format_duration(fault.from)));
    }
}

void read_fault(const YamlNode& node, std::size_t index, ScenarioContext& context) {
    Section section(node, fmt::format("scenario.faults[{}]", index), context.problems);
    ScenarioFault& fault = context.scenario.faults.emplace_back();
    read_target(section, context, fault.domain);
    const CallRule* const rule = read_call(section, context.backend, fault);
    read_answer(section, rule, fault);
    read_times(section, context, fault);
    section.number("every", fault.every, {1, Section::kAnySize});
    section.number("skip", fault.skip);
    section.number("times", fault.times, {1, Section::kAnySize});
}

}  // namespace

void read_scenario_faults(const YamlNode& list, ScenarioContext& context) {
    for (std::size_t i = 0; i < list.items.size(); ++i) read_fault(list.items[i], i, context);
}

}  // namespace ballast
