// Which domains are left alone in a tick, and why.
#pragma once

#include "base/clock.h"
#include "controller/domain_control.h"
#include "model/constraint.h"
#include "model/domain.h"
#include "model/hold_detail.h"

namespace ballast {

struct GateRules {
    Duration delay{};
    // Profile safe: a hotplug suspension holds inflation only.
    bool always_give_back = true;
};

// What may move. `inflate` and `deflate` are both false for a domain that is held entirely.
struct GateAnswer {
    Constraint reason = Constraint::none;  // none: nothing is held
    bool inflate = true;
    bool deflate = true;
    HoldDetail detail = HoldDetail::none;
};

// Decides for one domain at the tick due at `now`, and moves its hotplug state on: the first tick
// after a removal ended starts a suspension of hotplug_delay plus one more delay (cmm_thread). The
// hotplug_delay is the one of that tick, the delay the one that is set when hotplug_delay has
// passed (see delay_changed).
GateAnswer gate(DomainControl& control, DomainFlags flags, Time now,
                const GateRules& rules) noexcept;

// From `now` on the time between ticks is `delay`: counts for a suspension whose hotplug_delay has
// not passed yet, as the driver reads `delay` when it begins to sleep for it.
void delay_changed(DomainControl& control, Time now, Duration delay) noexcept;

}  // namespace ballast
