#include "controller/loop.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace ballast {

struct Loop::Pending {
    Command command;
    bool done = false;  // guarded by the loop's mutex
};

namespace {

// condition_variable knows only its own clocks: waits for a span of ours.
std::chrono::steady_clock::duration span_until(Time then, Time now) noexcept {
    return std::max(then - now, Duration{0});
}

}  // namespace

Loop::Loop(Controller& controller, Backend& backend, const Clock& clock, ParameterEvents parameters)
    : controller_(controller),
      backend_(backend),
      clock_(clock),
      parameters_(std::move(parameters)) {
    controller_.set_wake([this] { wake(); });
}

void Loop::run(const Hooks& hooks) {
    Duration delay = controller_.delay();
    Time due = clock_.now() + delay;
    Time next_beat = clock_.now();
    for (;;) {
        Time next = due;
        if (const auto event_at = backend_.next_event_at()) next = std::min(next, *event_at);
        if (const auto event_at = parameters_.next_at()) next = std::min(next, *event_at);
        if (hooks.beat_every.count() > 0) {
            if (clock_.now() >= next_beat) {
                hooks.beat();
                next_beat = clock_.now() + hooks.beat_every;
            }
            next = std::min(next, next_beat);
        }
        idle_until_ = next;
        {
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, span_until(next, clock_.now()),
                              [this] { return stopping_ || woken_ || !pending_.empty(); });
            if (stopping_) break;
            woken_ = false;
        }
        idle_until_ = Time{};
        backend_.advance();
        controller_.process_events();
        run_commands();
        parameters_.apply_due(controller_, clock_.now());
        // A new delay counts from the last tick on.
        if (controller_.delay() != delay) {
            due += controller_.delay() - delay;
            delay = controller_.delay();
        }

        const Time now = clock_.now();
        if (now < due) continue;
        controller_.tick(due);
        hooks.after_tick();
        // Ticks that could not run in time are skipped, not made up for.
        delay = controller_.delay();
        due += delay;
        if (due <= clock_.now()) due += ((clock_.now() - due) / delay + 1) * delay;
    }
    run_commands();
}

void Loop::run_commands() {
    for (;;) {
        std::shared_ptr<Pending> next;
        {
            const std::scoped_lock lock(mutex_);
            if (pending_.empty()) return;
            next = std::move(pending_.front());
            pending_.pop_front();
        }
        next->command(controller_);
        {
            const std::scoped_lock lock(mutex_);
            next->done = true;
        }
        changed_.notify_all();
    }
}

void Loop::stop() noexcept {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
}

Duration Loop::idle_for() const noexcept {
    return idle_until_.load() - clock_.now();
}

bool Loop::stopping() const noexcept {
    const std::scoped_lock lock(mutex_);
    return stopping_;
}

void Loop::wake() noexcept {
    {
        const std::scoped_lock lock(mutex_);
        woken_ = true;
    }
    changed_.notify_all();
}

Result<void> Loop::call(Command command, Duration timeout) {
    auto pending = std::make_shared<Pending>();
    pending->command = std::move(command);
    std::unique_lock lock(mutex_);
    if (stopping_) return fail(Errc::unavailable, "the daemon is stopping");
    pending_.push_back(pending);
    changed_.notify_all();
    const auto done = [&] { return pending->done; };
    if (changed_.wait_for(lock, timeout, done)) return {};
    if (std::erase(pending_, pending) > 0) {
        return fail(Errc::busy, "the loop is busy; nothing was done");
    }
    if (changed_.wait_for(lock, timeout, done)) return {};
    return fail(Errc::timed_out, "it is under way and may still take effect");
}

}  // namespace ballast
