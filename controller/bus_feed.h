// Tells the event bus what the controller does, as it does it.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "bus/writer.h"
#include "config/settings.h"
#include "controller/domain_control.h"
#include "model/domain.h"
#include "model/event.h"
#include "model/snapshot.h"

namespace ballast {

// The control loop's thread only, but for notice(). Without a bus, everything but attach() does
// nothing.
class BusFeed {
  public:
    // `clock` outlives it.
    explicit BusFeed(const Clock& clock) : clock_(clock) {}

    // Publishes on the bus of `settings` from now on, and lets go of the one before; an empty path:
    // on none. Where the settings are the same, nothing changes. Errors: those of
    // BusWriter::create; then the one before stays where its path is another, and beat() tries
    // again.
    Result<void> attach(const BusSettings& settings);
    // Where it publishes; empty: nowhere. Any thread.
    std::string path() const;

    // What of a tick is told beside its snapshot.
    struct Beside {
        // Of the snapshot's rows; those that either lacks are not known.
        const DomainTable& domains;
        std::span<const DomainControl> controls;
        std::uint64_t host_reserve_bytes = 0;
    };
    // The decisions and guests that differ from those of the tick before, the sums, and all that
    // was told since; wakes readers.
    void tick(const Snapshot& snapshot, const Beside& beside);
    void event(const Event& event, std::string_view domain_name);
    // Any thread; it is published with what comes next.
    void notice(ballast_bus_type type, std::string text);
    // Publishes what was told since the last tick, and says that the daemon lives: at least once a
    // second.
    void beat();

  private:
    // What a decision is compared by.
    struct Told {
        std::uint64_t loan_target_bytes = 0;
        std::uint64_t loaned_after_bytes = 0;
        std::uint64_t oom_freed_bytes = 0;
        Constraint constraint = Constraint::none;
        StepStatus outcome = StepStatus::done;

        friend bool operator==(const Told&, const Told&) = default;
    };

    // A guest's figures as they were told.
    struct ToldGuest {
        std::uint64_t total_bytes = 0;
        std::uint64_t loaned_bytes = 0;
        std::uint64_t unused_bytes = 0;
        std::uint64_t usable_bytes = 0;
        bool late = false;

        friend bool operator==(const ToldGuest&, const ToldGuest&) = default;
    };

    void decisions(const Snapshot& snapshot, bool all);
    void guests(const Snapshot& snapshot, const Beside& beside, bool all);
    void publish_notices();
    void set_path(const std::string& path);
    void try_again();
    bool is_lost() const;

    const Clock& clock_;
    BusSettings settings_;  // of writer_
    BusSettings wanted_;
    Time next_try_{};  // when the bus is looked at again
    std::unique_ptr<BusWriter> writer_;
    std::shared_ptr<const DomainNames> names_;  // of told_
    std::vector<Told> told_;                    // by row
    std::vector<ToldGuest> told_guests_;        // by row
    Time next_keyframe_{};                      // when all guests are told anew

    mutable std::mutex mutex_;
    std::string path_;                                               // guarded by mutex_
    bool attached_once_ = false;                                     // guarded by mutex_
    std::vector<std::pair<ballast_bus_type, std::string>> notices_;  // guarded by mutex_
};

}  // namespace ballast
