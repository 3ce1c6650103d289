// Runs a Controller in real time on the calling thread: ticks on a timer, events and commands
// between.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>

#include "base/clock.h"
#include "base/result.h"
#include "controller/controller.h"

namespace ballast {

class Loop {
  public:
    using Command = std::function<void(Controller&)>;

    // All outlive the loop.
    Loop(Controller& controller, Backend& backend, const Clock& clock);

    // Blocks until stop(); calls `after_tick` after each tick (watchdog, readiness).
    void run(const std::function<void()>& after_tick);

    // Any thread, also from a signal-handling thread. Idempotent.
    void stop() noexcept;

    // Any thread but the loop's: runs `command` on the loop's thread between two ticks and waits
    // for it. Errors: unavailable once the loop stops, timed_out (the command may still run later,
    // so it must own what it refers to).
    Result<void> call(Command command, Duration timeout);

    // Any thread: an event was queued, look at it soon.
    void wake() noexcept;

  private:
    struct Pending;
    void run_commands();

    Controller& controller_;
    Backend& backend_;
    const Clock& clock_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Pending>> pending_;  // guarded by mutex_
    bool stopping_ = false;                         // guarded by mutex_
    bool woken_ = false;                            // guarded by mutex_
};

}  // namespace ballast
