// Runs a Controller in real time on the calling thread: ticks on a timer, events and commands
// between.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "base/result.h"
#include "controller/controller.h"
#include "controller/parameter_events.h"

namespace ballast {

class Loop {
  public:
    using Command = std::function<void(Controller&)>;

    // The first three outlive the loop. `parameters`: what a simulated scenario sets while it runs.
    Loop(Controller& controller, Backend& backend, const Clock& clock,
         ParameterEvents parameters = {});

    // What else happens on the loop's thread.
    struct Hooks {
        std::function<void()> after_tick = [] {};
        // Called at least every `beat_every` for as long as the loop is not stuck; 0 = never.
        std::function<void()> beat = [] {};
        Duration beat_every{};
    };

    // Blocks until stop().
    void run(const Hooks& hooks);

    // Any thread, also from a signal-handling thread. Idempotent.
    void stop() noexcept;
    // Any thread: whether stop() was called.
    bool stopping() const noexcept;

    // Any thread but the loop's: runs `command` on the loop's thread between two ticks and waits
    // for it. Errors: unavailable once the loop stops; busy: it had not begun within `timeout` and
    // never will; timed_out: it had, and was not done after as long again (it may still take
    // effect, so it must own what it refers to).
    Result<void> call(Command command, Duration timeout);

    // Any thread: how long it will do nothing if nothing happens; 0 or less where it is at work, or
    // late.
    Duration idle_for() const noexcept;

    // Any thread: an event was queued, look at it soon.
    void wake() noexcept;

  private:
    struct Pending;
    void run_commands();

    Controller& controller_;
    Backend& backend_;
    const Clock& clock_;
    ParameterEvents parameters_;  // loop's thread only
    std::atomic<Time> idle_until_{Time{}};
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<Pending>> pending_;  // guarded by mutex_
    bool stopping_ = false;                         // guarded by mutex_
    bool woken_ = false;                            // guarded by mutex_
};

}  // namespace ballast
