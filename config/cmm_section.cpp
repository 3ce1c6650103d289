#include <fmt/format.h>

#include "base/glob.h"
#include "config/period.h"
#include "config/sections.h"
#include "config/text.h"

namespace ballast {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr Section::Range kKibRange{0, std::uint64_t{1} << 43U};  // to 8 PiB
constexpr Section::Range kOomKibRange{0, 0xffffffff};            // the driver's unsigned int
constexpr Section::Range kMibRange{0, std::uint64_t{1} << 33U};
constexpr Section::Span kHotplugSpan{Duration{0}, hours(1)};

void read_safeguards(const YamlNode& node, Safeguards& into, std::vector<ConfigProblem>& problems) {
    Section section(node, "cmm.safeguards", problems);
    section.flag("oom_credit", into.oom_credit);
    section.flag("credit_after_clamp", into.credit_after_clamp);
    section.flag("always_give_back", into.always_give_back);
}

}  // namespace

void read_cmm(const YamlNode& node, CmmSettings& into, std::vector<ConfigProblem>& problems) {
    Section section(node, "cmm", problems);
    if (const auto profile = section.choice("profile", {"safe", "kernel"})) {
        into.profile = *profile == 0 ? Profile::safe : Profile::kernel;
        if (into.profile == Profile::kernel) {
            into.safeguards.credit_after_clamp = false;
            into.safeguards.always_give_back = false;
        }
    }
    section.duration("delay", into.delay, {milliseconds(10), hours(1)});
    section.duration("hotplug_delay", into.hotplug_delay, kHotplugSpan);
    section.number("oom_kb", into.oom_kb, kOomKibRange);
    section.number("min_mem_mb", into.min_mem_mb, kMibRange);
    section.flag("debug", into.debug);
    section.flag("disable", into.disable);
    section.flag("simulate", into.simulate);
    section.flag("simulate_hypervisor", into.simulate_hypervisor);
    if (into.simulate_hypervisor && !into.simulate) {
        section.problem("simulate_hypervisor",
                        "cmm.simulate_hypervisor means nothing without simulate, expected "
                        "simulate: true beside it");
    }
    section.number("simulate_loan_target_kb", into.simulate_loan_target_kb, kKibRange);
    section.size("max_step", into.max_step_bytes);
    read_period(section, "oom_half_life", into.oom_half_life, {minutes(1), hours(24 * 365)});
    if (const YamlNode* const safeguards = section.find("safeguards")) {
        read_safeguards(*safeguards, into.safeguards, problems);
    }
}

void read_domains(const YamlNode& node, std::vector<DomainOverride>& into,
                  std::vector<ConfigProblem>& problems) {
    Section all(node, "domains", problems);
    all.accept_any_key();
    for (const auto& [pattern, value] : node.fields) {
        if (pattern.text.empty()) {
            add_problem(problems, pattern,
                        "domains: an empty name, expected a domain's name or a glob");
            continue;
        }
        if (const auto problem = glob_problem(pattern.text); !problem.empty()) {
            add_problem(problems, pattern,
                        fmt::format("domains: '{}' {}, expected a domain's name or a glob such as "
                                    "'db-*'",
                                    shown(pattern.text), problem));
        }
        Section section(value, fmt::format("domains.'{}'", shown(pattern.text)), problems);
        DomainOverride& domain = into.emplace_back();
        domain.pattern = pattern.text;
        section.number("min_mem_mb", domain.min_mem_mb, kMibRange);
        section.number("oom_kb", domain.oom_kb, kOomKibRange);
        section.duration("hotplug_delay", domain.hotplug_delay, kHotplugSpan);
        section.flag("disable", domain.disable);
        section.number("simulate_loan_target_kb", domain.simulate_loan_target_kb, kKibRange);
        section.size("max_step", domain.max_step_bytes);
        section.number("shares", domain.shares, {0, 10000});
    }
}

}  // namespace ballast
