// One guest of the scripted hypervisor, beyond what its row in the table shows.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "model/scenario.h"
#include "sim/balloon_mode.h"
#include "sim/guest_model.h"

namespace ballast {

struct MockGuest {
    std::size_t spec = 0;  // index in Scenario::domains
    std::uint64_t seed = 0;
    SimGuest model;  // what it lends, and what its programs leave of the rest
    bool present = true;
    Duration since{};     // when it last came, after the start
    std::size_t row = 0;  // in the table, where present
    // What an event fixed in place of the scenario's curve.
    std::optional<std::uint64_t> used_bytes;
    std::optional<std::uint64_t> loan_bytes;
    std::uint64_t oom_release_bytes = 0;
    // A balloon on its way: where to, and since when it could move.
    std::uint64_t goal_bytes = 0;
    Time moving_since{};
    bool moving = false;
    BalloonMode balloon = BalloonMode::ideal;
    bool lies = false;  // its statistics tell that nothing is used
};

}  // namespace ballast
