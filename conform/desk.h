// One simulated partition under Ballast's own configuration, controller and backend, on a virtual
// clock: what the driver and its guest are in a trace.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "conform/trace.h"
#include "controller/controller.h"
#include "sim/virtual_clock.h"

namespace ballast::conform {

// One thread. Times count from the guest's boot and do not go back.
class Desk {
  public:
    // `trace` outlives the desk. `events` and `faults` happen to the guest at their times. `rules`
    // are Ballast's own unless a test takes one out. Errors: what the configuration or the backend
    // refuses.
    static Result<std::unique_ptr<Desk>> make(const Trace& trace, std::vector<ScenarioEvent> events,
                                              std::vector<ScenarioFault> faults,
                                              const RuleSet& rules);

    // insmod with these parameters ("simulate=1 oom_kb=1024"). Errors: refused, as the
    // configuration refuses them.
    Result<void> load(std::string_view parameters);
    // rmmod, or the guest's reboot: everything lent goes back, the controller ends.
    void unload();
    bool loaded() const noexcept { return controller_ != nullptr; }

    void advance_to(Duration at);
    // A poll: one tick of the controller. Loaded only.
    struct Poll {
        Decision decision;
        std::string explanation;
    };
    Poll poll();
    Result<void> set(std::string_view attribute, std::string_view value);
    Result<std::string> get(std::string_view attribute) const;

    // Loaned, and what the guest manages besides, in bytes; as the hypervisor sees them now.
    struct Memory {
        std::uint64_t loaned_bytes = 0;
        std::uint64_t managed_bytes = 0;
    };
    Memory memory();

  private:
    // The machine lives on while drivers come and go.
    struct Relay final : EventSink {
        void on_event(const Event& event) noexcept override {
            if (to != nullptr) to->on_event(event);
        }
        EventSink* to = nullptr;
    };

    Desk(const Trace& trace, const RuleSet& rules) : trace_(trace), rules_(rules) {}

    const Trace& trace_;
    RuleSet rules_;
    VirtualClock clock_;
    Time boot_{};
    Relay relay_;
    std::unique_ptr<Backend> backend_;
    std::unique_ptr<Controller> controller_;
    Observation seen_;
};

}  // namespace ballast::conform
