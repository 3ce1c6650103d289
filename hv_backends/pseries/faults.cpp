#include "hv_backends/pseries/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ballast::pseries {
namespace {

constexpr std::array<std::string_view, kCallCount> kCallNames{
    "H_GET_MPP",   "H_PAGE_INIT_LOANED", "H_PAGE_INIT_ACTIVE",
    "guest_alloc", "guest_free",         "hotplug_trylock"};
constexpr std::string_view kOutOfMemory = "oom";

Result<HvStatus> parsed_status(const ScenarioFault& fault) {
    const bool known =
        fault.call == "H_PAGE_INIT" ||
        std::find(kCallNames.begin(), kCallNames.end(), fault.call) != kCallNames.end();
    if (!known)
        return fail(Errc::invalid_argument,
                    fmt::format("fault: unknown call \"{}\", expected H_GET_MPP, H_PAGE_INIT, "
                                "H_PAGE_INIT_LOANED, H_PAGE_INIT_ACTIVE, guest_alloc, guest_free "
                                "or hotplug_trylock",
                                fault.call));
    // A fault may delay alone.
    if (fault.answer.empty()) return HvStatus::success;
    if (const auto status = hv_status_from(fault.answer)) return *status;
    if (fault.call.rfind("H_", 0) != 0) return HvStatus::busy;
    return fail(Errc::invalid_argument,
                fmt::format("fault: unknown answer \"{}\", expected a return code such as H_BUSY",
                            fault.answer));
}

}  // namespace

Result<Faults> Faults::make(const std::vector<ScenarioFault>& faults) {
    Faults made;
    for (const ScenarioFault& fault : faults) {
        const auto status = parsed_status(fault);
        if (!status) return Failure(status.error());
        made.statuses_.push_back(*status);
    }
    made.plan_ = FaultPlan(faults);
    for (std::size_t i = 0; i < kCallCount; ++i)
        made.concerned_[i] = made.plan_.concerns(kCallNames[i]);
    return made;
}

const ScenarioFault* Faults::planned(Call call, std::string_view domain) {
    const ScenarioFault* const fault =
        plan_.hit(domain, kCallNames[static_cast<std::size_t>(call)], now_);
    if (fault != nullptr) delay_ += fault->delay;
    return fault;
}

HvStatus Faults::status_of(const ScenarioFault* fault) const noexcept {
    if (fault == nullptr) return HvStatus::success;
    return statuses_[static_cast<std::size_t>(fault - plan_.faults().data())];
}

PageAnswer Faults::page_answer_of(const ScenarioFault* fault) const noexcept {
    if (fault == nullptr || status_of(fault) == HvStatus::success) return PageAnswer::fine;
    return fault->answer == kOutOfMemory ? PageAnswer::out_of_memory : PageAnswer::none;
}

Duration Faults::take_delay() noexcept {
    return std::exchange(delay_, Duration::zero());
}

}  // namespace ballast::pseries
