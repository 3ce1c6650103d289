// What the controller remembers of one domain between ticks: the ledger's row.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "model/books.h"
#include "model/constraint.h"
#include "model/domain.h"

namespace ballast {

enum class Realign : std::uint8_t { no, waiting, due };

// To somebody else who set the balloon.
enum class Yielded : std::uint8_t {
    no,
    size,     // their size is the one to go on from
    control,  // the domain is left alone
};

// Whether the guest still moves towards what was set.
struct Progress {
    std::uint64_t towards_bytes = kUnknownBytes;  // the set value that is watched
    std::uint64_t nearest_bytes = 0;              // the guest's loan that came nearest to it
    std::uint64_t last_bytes = 0;                 // its loan at the last look
    Time since{};                                 // it came nearer last, or was asked
    bool stuck = false;
    Duration wait{};  // how long a stuck guest is not asked; doubles
    Time retry_at{};
};

// What a guest in distress has been given.
struct Surge {
    Time until{};     // it is not asked to lend before
    Duration wait{};  // doubles where it ran short soon again
    std::uint64_t faults_seen = kUnknownBytes;
    Time faults_at{};
    double faults_per_s = 0;
};

// A balloon that became smaller with nobody having asked for it, until it is known why.
struct ShrunkBalloon {
    bool open = false;             // the cause is not known yet
    bool from_rest = false;        // the guest had reached what was asked for
    Time since{};                  // it was noticed
    std::uint64_t from_bytes = 0;  // lent before
    std::uint64_t last_bytes = 0;  // lent at the last observation
    bool was_short = false;        // the guest has reported hardly any usable memory
    Time short_at{};               // last then
    // What was credited as OOMs since the hypervisor's set value last followed, and that value.
    std::uint64_t credited_bytes = 0;
    std::uint64_t set_bytes = 0;
};

// Loans that were asked for and replaced by a larger one before the guest had reached them: it may
// be seen on its way there for a while.
struct ReplacedRequest {
    std::uint64_t least_bytes = kUnknownBytes;  // unknown: none
    bool dated = false;
    Time at{};  // when the last of them was replaced, as of the observation after it
};

// The last move that the hypervisor accepted and then refused, or could not make.
struct FailedMove {
    Constraint constraint = Constraint::none;  // none: no move has failed since one succeeded
    Time failed_at{};
    Duration wait{};  // until the next attempt; doubles
    Time asked_again_at{};
    std::uint64_t loaned_bytes = 0;  // when it failed
};

struct DomainControl {
    // Settings resolved for this domain (resolve_settings).
    std::uint64_t min_mem_bytes = 0;
    std::uint64_t oom_release_bytes = 0;
    std::uint64_t max_step_bytes = 0;  // 0 = any
    std::uint32_t shares = 1000;       // 0 .. 10000
    Duration hotplug_delay{};
    // The loan target of policy `fixed`: configured, set by an operator, or what the domain came
    // with.
    std::uint64_t fixed_loan_bytes = 0;
    bool fixed_is_configured = false;
    bool disabled = false;

    // The books.
    std::uint64_t original_loaned_bytes = 0;  // lent before we came; not ours to give back
    std::uint64_t oom_freed_bytes = 0;        // the credit
    std::uint64_t loan_target_bytes = 0;
    std::uint64_t known_loaned_bytes = 0;     // as last observed or moved
    std::uint64_t set_bytes = kUnknownBytes;  // asynchronous: the loan last asked for
    std::uint64_t inflated_total_bytes = 0;
    std::uint64_t deflated_total_bytes = 0;
    std::uint64_t ooms_total = 0;  // how often it ran out of memory

    // Asynchronous backends: with set_bytes on its way, only the guest itself goes below this loan.
    // Rises while the guest inflates towards set_bytes.
    std::uint64_t floor_bytes = 0;
    // The guest starts over: until it is up again, its balloon says nothing about it.
    bool rebooting = false;
    // Its driver began anew then, and has told no size since. Time{}: nothing of the kind.
    Time silent_since{};
    // It is given a little to lend before it is to lend nothing; until then.
    bool nudging = false;
    Time nudged_until{};
    // The guest has been seen at set_bytes; if it is elsewhere later, somebody else moved it.
    bool reached_set = false;
    // After the guest took memory back: the value set in the hypervisor is still the old one, and
    // has to follow as soon as the guest stands still.
    Realign realign = Realign::no;
    Time moved_at{};  // the loan last differed from the one before
    ShrunkBalloon shrunk;
    ReplacedRequest replaced;

    Progress progress;
    Surge surge;
    FailedMove failed_move;
    // The most that was asked for and may still come to be, also where it seems to have failed.
    std::uint64_t asked_bytes = kUnknownBytes;
    // Somebody else moves the balloon, and has not finished: it moved last then.
    bool others_moving = false;
    Time others_moved_at{};
    std::uint64_t others_told_bytes = kUnknownBytes;  // of whose setting people were told last
    // Where nothing is on its way, the loan as it was left; unknown while it settles.
    std::uint64_t rest_bytes = kUnknownBytes;
    Yielded yielded = Yielded::no;
    std::uint64_t borrowed_bytes = 0;  // lent for reservations, on top of the policy's wish
    Time credit_decayed_at{};          // the credit is as of then
    // What the hypervisor is to keep with the domain: looked at, and told, last then.
    std::optional<CarriedBooks> carried;
    std::optional<Time> carried_seen_at;
    std::optional<Time> carried_told_at;

    // It was there at this daemon's first observation: what is known of it is of a daemon before.
    bool here_at_start = false;
    // A daemon before this one may have asked for any loan up to asked_bytes, and nobody knows of
    // it: what it comes to is no external change, until this daemon has set something itself.
    bool in_doubt = false;
    // Its original size is not on disk, or nothing can be written: it is not to lend more.
    bool unsaved = false;
    bool about_to_lend = false;  // it would lend more, now or once that is on disk
    // What it lent when the daemon began to stop; unknown: it does not stop.
    std::uint64_t lent_at_stop_bytes = kUnknownBytes;

    // Holds.
    bool hotplug_running = false;
    bool hotplug_occurred = false;
    bool migrating = false;
    bool paused = false;
    Time held_until{};  // suspended until then, for held_for
    // Of a hotplug suspension: the driver sleeps until then, and one delay more from then on.
    Time hotplug_sleep_ends{};
    Constraint held_for = Constraint::none;
    // False until the domain's own state could be taken over (not while it starts).
    bool adopted = false;

    // Books that `loaned_bytes` is lent now, by whomever it changed.
    void book_loaned(std::uint64_t loaned_bytes) noexcept {
        if (loaned_bytes > known_loaned_bytes) {
            inflated_total_bytes += loaned_bytes - known_loaned_bytes;
        } else {
            deflated_total_bytes += known_loaned_bytes - loaned_bytes;
        }
        known_loaned_bytes = loaned_bytes;
    }
};

}  // namespace ballast
