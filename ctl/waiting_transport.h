// Waits for a daemon that is starting.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "ctl/transport.h"

namespace ballast::ctl {

using Sleep = std::function<void(std::chrono::milliseconds)>;

// Sends through `transport`. Where nobody listens on the socket yet, or the daemon answers that it
// has not made its first tick, it sleeps and tries again, until it has slept for `patience` in all;
// then the last answer stands. Nothing is sent twice that the daemon has accepted. `waits` is
// called once, before the first sleep.
std::unique_ptr<Transport> make_waiting_transport(std::unique_ptr<Transport> transport,
                                                  std::chrono::milliseconds patience, Sleep sleep,
                                                  std::function<void()> waits);

}  // namespace ballast::ctl
