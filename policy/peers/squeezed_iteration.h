// One look of squeezed at the host: who takes part, and what to set next (one_iteration and
// Stuckness_monitor of squeeze.ml).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "policy/peers/squeezed.h"

namespace ballast::squeezed {

// When the free memory of the host is as wanted.
struct Goal {
    enum class Test : std::uint8_t { at_least, at_most, below };
    Test test = Test::at_least;
    std::int64_t kib = 0;

    bool met(std::int64_t free_kib) const noexcept;
};

// Tells balloons that move from those that do not: one that is off its target and made no way
// towards it for more than 5 s is stuck, until it does.
class Monitor {
  public:
    // Times never go back. Domains that are not in `host` are forgotten.
    void update(const Host& host, double now_s);
    // By the domain's place in the host of the last update.
    bool stuck(std::size_t place) const noexcept { return states_[place].stuck; }
    void forget() noexcept { states_.clear(); }

  private:
    struct State {
        std::int64_t domid = 0;
        std::int64_t actual_kib = 0;
        double progress_s = 0;  // when it last made way
        bool stuck = false;
    };
    std::vector<State> states_;  // in the order of the host's domains
    std::vector<State> last_;
};

// What a look came to.
struct Look {
    enum class Action : std::uint8_t {
        adjust,   // set `targets`, and look again
        success,  // everybody is at the target that would be set, and the goal is met
        failed,   // the same, and it is not: `refused` are stuck
    };
    Action action = Action::adjust;
    // In descending order of domid.
    std::vector<Target> targets;
    std::vector<std::int64_t> refused;
    // In ascending order.
    std::vector<std::int64_t> inactive;         // stuck, or without a balloon
    std::vector<std::int64_t> became_active;    // since the last look
    std::vector<std::int64_t> became_inactive;  // since the last look; at first all of `inactive`
};

// Memory is freed before it is given: where a target asks anybody to free, those targets alone are
// set. Odd, and kept: a balloon stays stuck after it has reached its target, and one that rested
// there for more than 5 s is taken for stuck at the look after it got a new target unless it has
// moved by then.
class Iteration {
  public:
    explicit Iteration(const Faults& faults = {}) : faults_(faults) {}
    // Overwrites `look`; allocates nothing if it and the domains are as many as last time.
    void look_at(const Host& host, std::int64_t host_target_kib, const Goal& goal, double now_s,
                 Look& look);

    // As if it had never looked.
    void forget() noexcept;

  private:
    void choose(std::int64_t host_target_kib, Look& look);

    Faults faults_;
    Monitor monitor_;
    Host active_;
    std::vector<std::int64_t> inactive_;  // as of the last look
};

}  // namespace ballast::squeezed
