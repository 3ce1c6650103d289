// The daemon's loop on simulated guests and a virtual clock, with crashes of the daemon between two
// ticks: what the tests of whole runs share.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "base/log.h"
#include "config/config.h"
#include "controller/backend_factory.h"
#include "controller/book_keeper.h"
#include "controller/controller.h"
#include "controller/parameter_events.h"
#include "sim/virtual_clock.h"
#include "tests/unit/http/temp_dir.h"

namespace ballast::test {

inline Settings settings_of(const ConfigResult& loaded) {
    if (const auto* problems = std::get_if<ConfigProblems>(&loaded)) FAIL(problems->text());
    return std::get<Settings>(loaded);
}

// One hypervisor, and one daemon after another. The settings need a scenario.
class WholeLoop {
  public:
    using Check = std::function<void(const Snapshot&, Duration)>;

    explicit WholeLoop(Settings settings, const RuleSet& rules = {})
        : settings_(std::move(settings)), rules_(rules) {
        auto made = make_backend(settings_, clock_);
        if (!made) FAIL(made.error().message());
        backend_ = std::move(*made);
        start_daemon();
        REQUIRE(backend_->start(relay_));
        due_ = start_ + daemon_->controller.delay();
        parameters_ = ParameterEvents(*settings_.scenario, start_);
    }

    // Runs until that long after the start; `check` sees each tick's snapshot.
    void run_until(Duration end, const Check& check) {
        for (;;) {
            Time next = due_;
            if (const auto at = backend_->next_event_at()) next = std::min(next, *at);
            if (const auto at = parameters_.next_at()) next = std::min(next, *at);
            if (next > start_ + end) return;
            clock_.advance_to(next);
            backend_->advance();
            daemon_->controller.process_events();
            parameters_.apply_due(daemon_->controller, next);
            if (next < due_) continue;
            daemon_->controller.tick(due_);
            daemon_->store->flush();
            check(*daemon_->controller.snapshots().latest(), due_ - start_);
            due_ += daemon_->controller.delay();
        }
    }

    // The daemon is gone between two ticks, without a word; its state is on disk. The next one
    // takes over at the next tick.
    void crash() {
        daemon_.reset();
        start_daemon();
    }

    // What is still lent beyond what the domains came with once the daemon has stopped, within a
    // minute.
    std::uint64_t lent_after_stop() {
        Controller& controller = daemon_->controller;
        for (int second = 0; second < 60 && !controller.give_everything_back(); ++second)
            clock_.advance(std::chrono::seconds(1));
        return controller.lent_bytes();
    }

    Controller& controller() { return daemon_->controller; }

  private:
    struct Daemon {
        Daemon(const Settings& settings, Backend& backend, const Clock& clock, const RuleSet& rules,
               std::unique_ptr<BookStore> opened)
            : store(std::move(opened)),
              keeper(*store),
              controller(settings, backend, clock, false, rules) {
            controller.set_books(keeper);
        }
        std::unique_ptr<BookStore> store;
        BookKeeper keeper;
        Controller controller;
    };
    // The backend tells whichever daemon runs.
    struct Relay final : EventSink {
        void on_event(const Event& event) noexcept override {
            if (to != nullptr) to->on_event(event);
        }
        EventSink* to = nullptr;
    };

    void start_daemon() {
        auto opened = BookStore::open(folder_.path("state.db"));
        if (!opened) FAIL(opened.error().message());
        daemon_ =
            std::make_unique<Daemon>(settings_, *backend_, clock_, rules_, std::move(*opened));
        relay_.to = &daemon_->controller;
    }

    const log::Redirect silence_{[](log::Level, std::string_view) {}};
    const Settings settings_;
    const RuleSet rules_;
    TempDir folder_{TempDir::in_memory()};
    VirtualClock clock_;
    const Time start_ = clock_.now();
    Time due_{};
    Relay relay_;
    std::unique_ptr<Backend> backend_;
    ParameterEvents parameters_;
    std::unique_ptr<Daemon> daemon_;
};

}  // namespace ballast::test
