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
    guest_alloc,       // the guest finds no free page
    hotplug_trylock,   // a memory removal begins at this very moment
};
inline constexpr std::size_t kCallCount = 5;

// One thread.
class Faults {
  public:
    // Errors: invalid_argument for a call or an answer that the platform does not know.
    static Result<Faults> make(const std::vector<ScenarioFault>& faults);

    Faults() = default;

    // From now on calls are made at this time after the start.
    void set_now(Duration since_start) noexcept { now_ = since_start; }

    // One call is made: what it answers, H_SUCCESS unless a fault hits. For the calls that are no
    // hcalls every other answer means that they fail.
    HvStatus answer(Call call, std::string_view domain) {
        // Inline up to here: there is one for each page that is moved.
        if (!concerned_[static_cast<std::size_t>(call)]) return HvStatus::success;
        return planned(call, domain);
    }

    // The sum of the delays of the faults that hit since this was last asked.
    Duration take_delay() noexcept;
    bool delayed() const noexcept { return delay_ > Duration::zero(); }

  private:
    HvStatus planned(Call call, std::string_view domain);

    FaultPlan plan_;
    std::vector<HvStatus> statuses_;  // of each fault
    std::array<bool, kCallCount> concerned_{};
    Duration now_{};
    Duration delay_{};
};

}  // namespace ballast::pseries
