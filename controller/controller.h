// The one owner of all decisions: ticks, commands and events meet here, on one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/settings.h"
#include "controller/book_keeper.h"
#include "controller/bus_feed.h"
#include "controller/operator_view.h"
#include "controller/rule_set.h"
#include "controller/snapshot_exchange.h"
#include "hv_backends/backend.h"
#include "model/reservation.h"

namespace ballast {

// Not thread-safe: the loop's thread calls everything but snapshots() and the EventSink side.
class Controller final : public EventSink {
  public:
    // `backend` and `clock` outlive the controller. dry_run decides and publishes, but moves
    // nothing. `rules` are the usual ones but in tests.
    Controller(const Settings& settings, Backend& backend, const Clock& clock, bool dry_run = false,
               const RuleSet& rules = {});
    ~Controller() override;

    // Any thread, short lock: queues the event; the loop handles it before the next tick.
    void on_event(const Event& event) noexcept override;
    // True if events wait. Any thread.
    bool events_pending() const noexcept;
    // Called after each queued event, on the thread that queued it. Set before the backend starts.
    void set_wake(std::function<void()> wake);
    // Handles what is queued: OOM credit is booked, holds begin and end.
    void process_events();

    // Tells `feed`, which outlives the controller, of everything from now on.
    void set_feed(BusFeed& feed);

    // Takes books over from `books`, which outlives the controller, and keeps them there. Before
    // the first tick.
    void set_books(BookKeeper& books);

    // One pass of the loop, due at `due` (<= now): observe, decide, gate, move, book, publish.
    void tick(Time due);

    // New settings from a reload; credits, loans and what operators set at run time stay.
    void reconfigure(const Settings& settings);

    // Operator commands. `domain` empty = all of them. Errors: not_found, refused.
    Result<void> disable(std::string_view domain, bool disabled);
    // Gives back everything lent now; the domain lends again at the next tick unless disabled.
    Result<void> release(std::string_view domain);
    // Kernel attribute names (docs/man/ballastctl.1). `domain` empty = the default for all.
    // Errors: not_found (domain, attribute), refused (read-only: EACCES; EBADMSG, EINVAL, ERANGE as
    // the driver answers).
    Result<std::string> get_attribute(std::string_view domain, std::string_view attribute) const;
    Result<void> set_attribute(std::string_view domain, std::string_view attribute,
                               std::string_view value);

    // Lends what the host lacks of `bytes` beside its reserve, and keeps it free, until it expires;
    // what `domain` (a name or UUID that may be yet to come; empty = none) holds already comes off.
    // Returns the reservation's number. Errors: refused (policy cmm
    // follows the hypervisor alone), and those of Reservations::add.
    Result<std::uint64_t> reserve(std::uint64_t bytes, std::string domain, Duration expires);
    // Ends it; what was lent for it goes back. Errors: not_found.
    Result<void> cancel_reservation(std::uint64_t id);
    // As of now; `ready` and what is outstanding, as of the last tick.
    ReservationList reservations() const;

    // Before the backend goes: from the next tick on every domain is given back what was lent since
    // it came, and nothing is lent, until it is switched off again. lent_bytes() tells what is
    // left.
    void evacuate(bool on) noexcept;
    // Stopping: asks domains to take back what was lent since they came, ignoring holds, the
    // neediest first and never more than the host has beside its reserve; then (on further calls)
    // looks whether it is there. True once nothing lent by us is left, or what is left has no room;
    // call it until then or until patience ends. No tick may follow.
    bool give_everything_back();
    // Stopping: logs a line for each domain that still lends, and why.
    void report_what_stays() const;
    // What is still lent beyond what the domains came with, as last seen; without guests that have
    // crashed, which take nothing back.
    std::uint64_t lent_bytes() const noexcept;

    Duration delay() const noexcept;
    // Any thread.
    SnapshotExchange& snapshots() noexcept;
    // What operators can set and reserve, as of the last tick or change. Any thread may read from
    // what the loop's thread asked for before it ran; from then on it is published.
    OperatorViews& operator_views();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ballast
