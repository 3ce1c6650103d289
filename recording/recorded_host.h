// What a host told of itself and its guests over time, made into a workload. No files, no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "sim/workload.h"

namespace ballast {

// A decision of the recorded daemon, with the figures that it was made on.
struct RecordedFigures {
    double at_s = 0;
    std::size_t vm = 0;
    std::uint64_t total_bytes = 0;
    std::uint64_t loaned_bytes = 0;  // before
    std::uint64_t usable_bytes = 0;
    std::uint64_t host_available_bytes = 0;
    std::int64_t request_bytes = 0;   // that the policy wanted
    std::uint64_t decided_bytes = 0;  // of loan
};

// What became of the recorded host, to be held against what a policy would have done.
struct RecordedOutcome {
    double lent_byte_s = 0;            // what was lent, times how long
    double moved_bytes = 0;            // by balloons, either way
    std::uint64_t ooms = 0;            // guests that took memory back by themselves
    std::uint64_t oom_bytes = 0;       // what they took
    std::uint64_t credit_bytes = 0;    // the sum of each guest's largest OOM credit
    std::uint64_t host_own_bytes = 0;  // the least that the host itself must have used
    std::optional<std::uint64_t> host_total_bytes;
    std::optional<std::uint64_t> least_available_bytes;
    std::optional<std::uint64_t> major_faults;  // of those guests that told
    std::optional<double> host_stall_s;         // some task of the host waited for memory
    DemandSeries lent;                          // of all guests, in bytes
    std::vector<RecordedFigures> decisions;     // in the order of time
};

struct Recording {
    // Host memory is what guests could have: the host's less what it used itself; 0 = not told.
    Workload workload;
    RecordedOutcome outcome;
    std::vector<std::string> notes;  // what is missing or was left out, for people
};

// Rows of a recording; docs/recordings.md has their meaning. What is not known is absent.
using KnownBytes = std::optional<std::uint64_t>;
struct RecordedTick {
    double at_s = 0;
    std::uint64_t epoch = 0;
    std::uint64_t total_bytes = 0;
    std::uint64_t loaned_bytes = 0;
    std::uint64_t inflated_bytes = 0;  // since the daemon's start
    std::uint64_t deflated_bytes = 0;
    KnownBytes host_available_bytes, host_total_bytes, host_reserve_bytes;
    KnownBytes host_stall_us;  // since the host's start
    KnownBytes host_swap_total_bytes, host_swap_free_bytes;
};
struct RecordedGuest {
    double at_s = 0;
    std::int64_t domain = 0;
    std::uint64_t total_bytes = 0;
    std::uint64_t loaned_bytes = 0;
    KnownBytes unused_bytes, usable_bytes, cache_bytes;
    KnownBytes major_faults;  // since the guest's start
    std::optional<std::uint64_t> shares;
    KnownBytes resident_bytes;
    std::optional<bool> late;  // its figures may be of before its balloon last moved
};
struct RecordedDecision {
    double at_s = 0;
    std::int64_t domain = 0;
    std::uint64_t total_bytes = 0;
    std::uint64_t min_mem_bytes = 0;
    std::int64_t request_bytes = 0;
    std::uint64_t credit_bytes = 0;
    std::uint64_t loaned_bytes = 0;  // before
    std::uint64_t decided_bytes = 0;
};

// Takes rows in the order of time; a time that goes back counts as the one before it. One thread.
class RecordedHost {
  public:
    void add_domain(std::int64_t domain, std::string name);
    // A domain that nobody has named is of no interest.
    void add(const RecordedGuest& guest);
    void add(const RecordedTick& tick);
    void add_oom(double at_s, std::uint64_t bytes);
    void add_came(double at_s, std::int64_t domain);
    void add_gone(double at_s, std::int64_t domain);
    void add(const RecordedDecision& decision);
    void add_loss(std::uint64_t records);

    // The end; `name` is the workload's. Errors: invalid_argument (no guest told what it uses, or
    // all is of one moment).
    Result<Recording> finish(const std::string& name);

  private:
    struct Guest {
        std::string name;
        std::uint64_t capacity_bytes = 0;  // the largest total
        std::uint64_t min_mem_bytes;       // the last
        std::uint64_t credit_bytes = 0;    // the largest
        bool there = false;
        bool lags = false;  // its figures are of before its balloon moved
        // What it needs by its last figures, unless its balloon turns out to have moved meanwhile.
        std::optional<DemandPoint> in_doubt;
        double told_s = 0;
        std::size_t told_round = 0;
        std::optional<RecordedGuest> last;
        KnownBytes major_faults;
        std::uint32_t shares = WorkloadVm{}.shares;  // the last
        std::size_t contradictions = 0;
        bool without_usable = false;
        DemandSeries demand;
        // All that it has is free or used by programs, as with a scripted guest; then its figures
        // are always of the present, and this is its demand.
        bool plain = true;
        DemandSeries plain_demand;
        bool tells_cache = false;
        std::optional<RecordedGuest> first;  // where no event says that it came
        std::optional<std::uint64_t> first_credit_bytes;
        std::uint64_t goal_bytes = kNoGoal;  // of its loan, as last decided
        // Where its balloon was asked to go last, and from where.
        std::uint64_t heading_bytes = kNoGoal;
        std::uint64_t from_bytes = 0;
        // Of which a small part was seen at first, and others.
        std::size_t late_moves = 0;
        std::size_t prompt_moves = 0;
        double bytes_per_s = 0;       // the fastest that its balloon moved
        bool held_up = false;         // by its balloon's speed, once at least
        bool came = false;            // while it was recorded
        std::uint64_t all_sizes = 0;  // of its balloon, or-ed
    };
    static constexpr std::uint64_t kNoGoal = static_cast<std::uint64_t>(-1);
    double time(double at_s);
    void change(double at_s, std::size_t guest, WorkloadChangeKind kind);
    void use(Guest& guest, const RecordedGuest& row, double at_s) const;
    static void settle(Guest& guest, double now_s);
    static void conclude(Guest& guest, double now_s);
    void use_surely(Guest& guest, const RecordedGuest& row, double at_s) const;
    void use_plainly(Guest& guest, const RecordedGuest& row, double at_s) const;
    void measure_balloon(Guest& guest, const RecordedGuest& row, double at_s) const;
    void count_faults(Guest& guest, const RecordedGuest& row);
    void measure_own(const RecordedTick& tick, double at_s);
    double tick_s();
    WorkloadStart start_of(const Guest& guest) const;
    void look_for_gap(double at_s);
    std::vector<std::string> notes() const;

    std::vector<Guest> guests_;
    std::unordered_map<std::int64_t, std::size_t> guest_of_;  // index, by number
    std::unordered_map<std::string, std::size_t> names_;      // how many have it
    std::vector<WorkloadChange> changes_;                     // vm: index in guests_
    std::optional<RecordedTick> tick_;                        // the last
    std::optional<double> first_s_;
    double last_s_ = 0;
    double pause_s_ = 0;  // before the last tick
    // Guests are told at least once in each; none passes while nobody observes.
    std::size_t round_ = 0;
    double round_since_s_ = 0;
    std::vector<double> ticks_s_;
    std::vector<double> pauses_s_;  // between two ticks, of all of them
    DemandSeries own_;              // what the host itself used
    bool own_is_known_ = true;
    KnownBytes swapped_at_start_;
    KnownBytes host_swap_bytes_;
    std::size_t gaps_ = 0;
    double longest_gap_s_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t reserve_bytes_ = 0;
    RecordedOutcome outcome_;
};

}  // namespace ballast
