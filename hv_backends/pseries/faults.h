// A scenario's faults, as the pseries simulator meets them.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hv_backends/pseries/hcall.h"
#include "sim/fault_plan.h"

namespace ballast::pseries {

// Where a fault can strike.
enum class Call : std::uint8_t {
    get_mpp,           // H_GET_MPP
    page_init_loaned,  // H_PAGE_INIT_LOANED, H_PAGE_INIT
    page_init_active,  // H_PAGE_INIT_ACTIVE, H_PAGE_INIT
    guest_alloc,       // the guest finds no free page, or runs out of memory while it looks for one
    guest_free,        // its driver finds no page to give back (isolated), or it runs out of memory
    hotplug_trylock,   // a memory removal begins at this very moment
};
inline constexpr std::size_t kCallCount = 6;

// What becomes of a page that the guest's driver is about to move.
enum class PageAnswer : std::uint8_t {
    fine,
    none,           // the guest has no page for it
    out_of_memory,  // something in the guest ran out of memory first; then the driver tries again
};

// One thread.
class Faults {
  public:
    // Errors: invalid_argument for a call or an answer that the platform does not know.
    static Result<Faults> make(const std::vector<ScenarioFault>& faults);

    Faults() = default;

    // From now on calls are made at this time after the start.
    void set_now(Duration since_start) noexcept { now_ = since_start; }

    // One call is made: what it answers, H_SUCCESS unless a fault hits. For hotplug_trylock every
    // other answer means that it fails.
    HvStatus answer(Call call, std::string_view domain) {
        // Inline up to here: there is one for each page that is moved.
        if (!concerned_[static_cast<std::size_t>(call)]) return HvStatus::success;
        return status_of(planned(call, domain));
    }
    // The same for guest_alloc and guest_free.
    PageAnswer page_answer(Call call, std::string_view domain) {
        if (!concerned_[static_cast<std::size_t>(call)]) return PageAnswer::fine;
        return page_answer_of(planned(call, domain));
    }

    // The sum of the delays of the faults that hit since this was last asked.
    Duration take_delay() noexcept;
    bool delayed() const noexcept { return delay_ > Duration::zero(); }

  private:
    // The fault that hits; null: none.
    const ScenarioFault* planned(Call call, std::string_view domain);
    HvStatus status_of(const ScenarioFault* fault) const noexcept;
    PageAnswer page_answer_of(const ScenarioFault* fault) const noexcept;

    FaultPlan plan_;
    std::vector<HvStatus> statuses_;  // of each fault
    std::array<bool, kCallCount> concerned_{};
    Duration now_{};
    Duration delay_{};
};

}  // namespace ballast::pseries
