#include "sim/fault_plan.h"

#include <algorithm>
#include <utility>

#include "sim/domain_names.h"

namespace ballast {
namespace {

bool call_matches(std::string_view wanted, std::string_view call) noexcept {
    if (wanted == call) return true;
    return wanted == "H_PAGE_INIT" &&
           (call == "H_PAGE_INIT_LOANED" || call == "H_PAGE_INIT_ACTIVE");
}

bool in_time(const ScenarioFault& fault, Duration at) noexcept {
    return at >= fault.from && (!fault.until || at < *fault.until);
}

}  // namespace

FaultPlan::FaultPlan(std::vector<ScenarioFault> faults)
    : faults_(std::move(faults)), counts_(faults_.size()) {}

const ScenarioFault* FaultPlan::hit(std::string_view domain, std::string_view call,
                                    Duration since_start) {
    const ScenarioFault* answer = nullptr;
    for (std::size_t i = 0; i < faults_.size(); ++i) {
        const ScenarioFault& fault = faults_[i];
        if (!call_matches(fault.call, call) || !in_time(fault, since_start) ||
            !matches_domain(fault.domain, domain))
            continue;
        Count& count = counts_[i];
        ++count.calls;
        if (answer != nullptr || count.calls <= fault.skip) continue;
        if ((count.calls - fault.skip) % std::max<std::uint64_t>(fault.every, 1) != 0) continue;
        if (fault.times && count.hits >= *fault.times) continue;
        ++count.hits;
        answer = &fault;
    }
    return answer;
}

bool FaultPlan::concerns(std::string_view call) const noexcept {
    return std::any_of(faults_.begin(), faults_.end(), [call](const ScenarioFault& fault) {
        return call_matches(fault.call, call);
    });
}

}  // namespace ballast
