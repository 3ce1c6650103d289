// The place that the control loop's backend has: another one can take it between two ticks, and
// give it back if it fails.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hv_backends/backend.h"
#include "hv_backends/modules/registry.h"

namespace ballast {

// A Backend for the Controller, which hands everything on to whichever is in charge. The loop's
// thread only, as Backend says.
class BackendSlot final : public Backend {
  public:
    using Done = std::function<void(Result<void>)>;

    BackendSlot();
    ~BackendSlot() override;

    // Puts a backend in charge where there is none. It is started if the slot is, and told what the
    // last one left lent.
    Result<void> fill(ModuleLease lease);

    // Starts `lease`'s backend beside the one in charge, and puts it in charge at the next
    // observation, after telling it what is lent. If it fails to start, to observe, or to move
    // anything in that tick, the old one goes on as if nothing had happened. `done` hears how it
    // ended, once the tick after has begun; by then whichever lost has been stopped and its lease
    // given back. Only one at a time (busy).
    Result<void> propose(ModuleLease lease, Done done);
    // Gives a proposal up that has not been decided yet; `done` hears `refused`.
    void withdraw();

    // Stops the backend in charge and gives its lease back; observe() answers `unavailable` from
    // then on.
    void clear();

    // Any thread: clear() at the next observation, if that generation is in charge then. For a loop
    // that hangs in it now.
    void forsake(std::uint64_t generation) noexcept { forsaken_ = generation; }

    // The module in charge; nullopt = none.
    std::optional<ModuleRegistry::Handle> handle() const noexcept;
    // Its generation, for any thread; 0 = none.
    std::uint64_t generation_in_charge() const noexcept { return in_charge_; }

    const Capabilities& capabilities() const noexcept override;
    Result<void> start(EventSink& sink) override;
    void stop() noexcept override;
    Result<void> observe(Observation& into) override;
    StepOutcome apply(const Step& step) noexcept override;
    void set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) override;
    std::optional<CarriedBooks> carried_books(const DomainKey& domain) const override;
    void keep_books(const DomainKey& domain, const std::optional<CarriedBooks>& books) override;
    std::optional<Time> next_event_at() const override;
    void advance() override;
    std::uint64_t generation() const noexcept override { return generation_; }

  private:
    class Sink;
    struct Seat {
        ModuleLease lease;
        std::unique_ptr<Sink> sink;
        explicit operator bool() const noexcept { return static_cast<bool>(lease); }
        Backend& backend() const noexcept { return lease.backend(); }
        void vacate() noexcept;
    };

    Result<void> start(Seat& seat, bool in_charge);
    void settle_probation();
    bool take_over(Observation& into);
    void decide(Result<void> outcome);
    void charge_changed() noexcept;
    void end_probation();
    static std::vector<Loan> loans_of(const DomainTable& domains);

    Capabilities none_;
    EventSink* sink_ = nullptr;     // nullptr: not started
    std::vector<Loan> left_loans_;  // by the last one that was cleared
    Seat current_;
    Seat candidate_;            // to take over at the next observation
    Seat previous_;             // was in charge until the last one
    std::string failed_apply_;  // of the new one in its first tick
    Done done_;
    std::uint64_t generation_ = 0;
    std::atomic<std::uint64_t> in_charge_{0};
    std::atomic<std::uint64_t> forsaken_{0};
};

}  // namespace ballast
