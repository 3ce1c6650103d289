// Ballast's own policy: memory moves only where the host needs it, from those who feel it least,
// and goes back at once to whoever runs short. docs/policies.md explains it and each of its
// constants.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "policy/node_pools.h"
#include "policy/policy.h"
#include "policy/promise.h"
#include "policy/row_state.h"
#include "policy/working_set.h"

namespace ballast {

// Shares are 0..1.
struct BallastSettings {
    double goal_share = 0.02;         // of the host, available beside its reserve
    double ease_share = 0.05;         // of the host, beyond the goal, before loans go back
    double ease_share_per_s = 0.001;  // of the host, that goes back in a second then
    double least_room_share = 0.03;   // of a guest, usable beside what it needs
    double most_room_share = 0.20;    // of a guest: no growth seen makes it ask for more
    double comfort_share = 0.20;      // of a guest: room that is taken only in real need
    WorkingSetSettings working_set;
    double deadband_share = 0.005;  // of a guest; smaller moves are not worth it
};

// From the catalogue's numbers.
BallastSettings ballast_settings(const PolicyChoice& choice);

class BallastPolicy final : public Policy {
  public:
    explicit BallastPolicy(const BallastSettings& settings) : settings_(settings) {}
    void request(const Observation& seen, const PolicyInputs& inputs,
                 std::span<std::int64_t> request_bytes) override;
    std::span<const RequestReason> reasons() const noexcept override { return reasons_; }

  private:
    // What is worked out of one guest in one tick.
    struct Need {
        bool movable = false;
        bool settled = false;     // more may be taken from it
        bool returnable = false;  // it may be given back what it lends
        bool is_late = false;     // it was asked, and does not give
        double coming = 0;        // of what it was asked
        double total = 0;
        double kept = 0;        // what it keeps now
        double used = 0;        // by programs and kernel
        double cache = 0;       // that is used over and over
        double in_use = 0;      // both, or what can be had of them
        double least_room = 0;  // whatever is short
        double room = 0;        // that it has to have beside that
        double least_kept = 0;  // whatever it uses
        double least = 0;       // in use and room
        double comfort = 0;     // that, and the room it has while the host can do without
        double edge = 0;        // below this it is short
        double relief = 0;      // and gets so much at once
        bool is_short = false;
        double resident = 0;   // of the host's memory
        double most_gain = 0;  // that it will give soon
        double room_unit = 0;  // its size, weighed by its shares
        double target = 0;
        bool counts = true;          // collect() may take of it
        bool on_tight_node = false;  // the nodes that it is bound to have little to give
        bool node_wants = false;     // and lack what is on its way
        RequestReason reason = RequestReason::enough;
    };

    struct Served {
        double given = 0;  // what guests that are short may take of the host at once
        double owed = 0;   // to others, who wait until the host has it
    };
    struct HostSwap {
        double went_out = 0;    // since it was last looked at
        double waited_for = 0;  // that is out while somebody waits for memory
    };

    void look(const Observation& seen, std::size_t row, const PolicyInputs& inputs,
              double passed_s);
    Served serve_those_short(double room_level, double available);
    using Bound = double Need::*;
    double level_for(double wanted, Bound bound) const;
    void collect(double wanted, Bound bound, RequestReason reason);
    // Of the room and cache that it should have, a share of 0..1: none of the room beyond the
    // least, and half of the cache.
    static double room_of(const Need& need, double share) noexcept {
        return need.least_room + share * (need.room - need.least_room);
    }
    static double in_use_of(const Need& need, double share) noexcept {
        return std::min(need.total, need.used + (1 + share) / 2 * need.cache);
    }
    static void bound(Need& need, double share);
    double affordable_share(double lacks) const;
    double fair_level(double lacks) const;
    double gain_at(double level, Bound bound) const;
    static double room_kept(const Need& need, double level, Bound bound) noexcept {
        return std::max(need.*bound, std::min(need.total, need.in_use + level * need.room_unit));
    }
    RequestReason reason_to_wait(const Need& need) const noexcept;
    void share_out(const HostState& state, const PolicyInputs& inputs, double passed_s);
    void ease(double surplus, double most);
    // ballast_nodes.cpp
    void look_at_nodes(const Observation& seen);
    void collect_for_nodes(const Observation& seen);
    HostSwap look_at_swap(const HostState& host, double passed_s, double most);

    const BallastSettings settings_;
    RowFollower rows_;
    std::vector<WorkingSet> guests_;
    std::vector<Promise> promises_;
    std::vector<Need> needs_;
    NodePools pools_;
    std::vector<RequestReason> reasons_;
    bool begun_ = false;
    Time last_at_{};
    std::size_t next_to_ease_ = 0;
    double to_ease_ = 0;
    double may_come_ = 0;    // what guests do not hold of the host's memory, though it is theirs
    double on_its_way_ = 0;  // of what was asked before, what can be counted on
    bool wants_ = false;     // the host lacks what is on its way
    bool host_known_ = false;
    Bound taken_to_ = &Need::comfort;  // what guests are left while the host lacks memory
    std::optional<double> host_swapped_;
    std::uint64_t host_stalled_us_ = kUnknownBytes;
};

}  // namespace ballast
