// What systemd is told, and what it asks: readiness, watchdog, reloads. Without systemd, nothing.
#pragma once

#include <string_view>

#include "base/clock.h"

namespace ballast::service_manager {

// True if standard error goes to the journal.
bool logs_to_journal() noexcept;

// Any thread; never block for long, never fail. `status` is one line for people.
void ready(std::string_view status) noexcept;
void reloading() noexcept;
// `more`: how long, from now, it may take until the next sign of life.
void stopping(std::string_view status, Duration more) noexcept;
void watchdog_beat() noexcept;

// Half of the time after which systemd would take us for hung; 0 = no watchdog.
Duration watchdog_period() noexcept;

}  // namespace ballast::service_manager
