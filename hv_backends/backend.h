// The contract between the controller and a hypervisor.
//
// One thread, the loop's, calls every method but those that say otherwise. A backend may run
// threads of its own; it reports from them through the EventSink only.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "model/books.h"
#include "model/event.h"
#include "model/host.h"
#include "model/step.h"

namespace ballast {

// Where a backend's events go. on_event may be called from any thread, also from inside a Backend
// method; it takes a short lock and never calls back into the backend.
class EventSink {
  public:
    virtual ~EventSink() = default;
    virtual void on_event(const Event& event) noexcept = 0;
};

// What a backend can do; constant while it lives.
struct Capabilities {
    std::string name;         // "pseries", "libvirt", "mock"
    std::string description;  // one line for people
    // The most one apply() should move; the allocator cuts larger moves into steps. 0 = any size.
    std::uint64_t max_step_bytes = 0;
    // loan_request_bytes is the hypervisor's own wish (policy `cmm` needs this).
    bool reports_requests = false;
    // OOMs arrive as EventKind::oom with what was freed. Where false, the controller infers them
    // from a loan that shrank below what it had set.
    bool reports_oom = false;
    // apply() only asks; the guest moves later and observe() tells how far it came.
    bool asynchronous = false;
};

// Settings that act inside the guest's driver rather than in the loop.
struct GuestTunables {
    std::uint64_t oom_release_bytes = 0;  // what its OOM notifier frees at once (oom_kb)
    friend bool operator==(const GuestTunables&, const GuestTunables&) = default;
};

// What one domain lends, told to a backend that takes it over from another.
struct Loan {
    DomainKey domain{};
    std::uint64_t loaned_bytes = 0;
};

class Backend {
  public:
    virtual ~Backend() = default;

    // Any thread, never blocks.
    virtual const Capabilities& capabilities() const noexcept = 0;

    // Connects. Blocks for at most the backend's own connect timeout. Events may arrive on `sink`
    // from now until stop() has returned. Errors: unavailable (try again later), invalid_argument
    // (never will work as configured).
    virtual Result<void> start(EventSink& sink) = 0;

    // Disconnects and joins its threads; no event comes after it. Idempotent. What is lent stays
    // lent: giving it back is the controller's decision.
    virtual void stop() noexcept = 0;

    // One bulk observation: refills `into` (see DomainTable::membership). Blocks for at most the
    // backend's call timeout. On failure `into` is unchanged. Errors: unavailable (connection lost;
    // the backend reconnects by itself with back-off), timed_out, bad_data.
    virtual Result<void> observe(Observation& into) = 0;

    // Moves one domain's balloon by one bounded step. Never throws; blocks for at most the call
    // timeout. A synchronous backend stops an inflation at the first page it cannot get and when a
    // memory hotplug begins, and says so in the outcome. A step to the value already set is legal
    // and makes it binding again.
    virtual StepOutcome apply(const Step& step) noexcept = 0;

    // Settings for the guest side of one domain; kept for domains that come later under this key.
    virtual void set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) = 0;

    // Between start and the first observation of a backend that replaces another: what the domains
    // lend. Only for hypervisors that live in the backend itself; a real one knows already.
    virtual void adopt(std::span<const Loan>) {}
    // Books that travel with a domain, where the hypervisor keeps such with it: what is there now
    // as far as is known, and what is to be there; nullopt = nothing. Never block; what could not
    // be kept is still not there later.
    virtual std::optional<CarriedBooks> carried_books(const DomainKey&) const {
        return std::nullopt;
    }
    virtual void keep_books(const DomainKey&, const std::optional<CarriedBooks>&) {}
    // Changes when another backend has taken this one's place: guest tunables have to be set again.
    virtual std::uint64_t generation() const noexcept { return 0; }

    // Simulated hypervisors: when something next happens by itself, so that a virtual clock can
    // stop there; nullopt = nothing, or not simulated.
    virtual std::optional<Time> next_event_at() const { return std::nullopt; }
    // Lets everything up to the clock's now happen, reporting it to the sink.
    virtual void advance() {}
};

}  // namespace ballast
