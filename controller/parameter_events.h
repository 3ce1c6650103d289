// What a scenario does while it runs as an operator would: ballastctl set, and reserve.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "controller/controller.h"
#include "model/scenario.h"

namespace ballast {

// One thread, the loop's.
class ParameterEvents {
  public:
    ParameterEvents() = default;
    // Times in `scenario` count from `start`.
    ParameterEvents(const Scenario& scenario, Time start);

    std::optional<Time> next_at() const noexcept;
    // Does everything due by `now`; a refusal is logged and does not stop the rest.
    void apply_due(Controller& controller, Time now);
    // Refused so far.
    std::uint64_t refused() const noexcept { return refused_; }

  private:
    void reserve(Controller& controller, const ScenarioEvent& event);

    std::vector<ScenarioEvent> events_;  // set_parameter and reserve only, by time
    std::vector<std::string> names_;     // of all domains
    Time start_{};
    std::size_t next_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace ballast
