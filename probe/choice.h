// Which scheme protects one of Ballast's own uses: the cheapest of those that are safe for it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/module_ref.h"
#include "probe/scheme.h"
#include "probe/survey.h"

namespace ballast::probe {

// What one scheme costs, in ns.
struct Cost {
    std::string scale_type;
    double read_ns = 0;
    double update_ns = 0;
    bool measured = false;  // else assumed, from typical_costs()
};

// A way in which Ballast can be told to count readers, and the scale type that measures it.
struct Offer {
    RefScheme scheme = RefScheme::atomic;
    std::string_view scale_type;
};

// One place in Ballast where readers have to be protected.
struct Use {
    std::string name;  // "module_refs"
    Traits needs;      // each that is true is needed
    std::vector<Offer> offers;
    double reads_per_s = 0;
    double updates_per_s = 0;
    Duration counted_for{};  // how long these were counted; 0: they are expected ones
};

// What one scheme would cost that use.
struct Candidate {
    Cost cost;
    std::string unsafe;                // why it is none; empty: it is safe
    std::optional<RefScheme> offered;  // Ballast can be told to use it there
    double ns_per_s = 0;               // reads * read cost + updates * update cost
};

struct Choice {
    Use use;
    std::vector<Candidate> candidates;  // cheapest first; unsafe ones last
    RefScheme chosen = RefScheme::atomic;
    bool configured = false;  // an operator chose, not the arithmetic
    // Where what is known by now speaks for another one.
    std::optional<RefScheme> cheaper_now;
};

// How readers of modules may be counted, and those of snapshots.
const std::vector<Offer>& module_offers();
const std::vector<Offer>& snapshot_offers();

// What readers of modules and of snapshots need: they may sleep, come on any thread, hold for long,
// and keep what they read.
Traits needs_of_ballast() noexcept;

// Costs where nothing was measured: of the machine in docs/performance.md.
std::vector<Cost> typical_costs();
// typical_costs(), each replaced by what was found with one reader where neither the read nor the
// update is unusable; and all others of which both are known.
std::vector<Cost> costs_of(const std::vector<Finding>& findings, std::uint32_t wanted);

// Weighs every scheme that has a cost. `configured` other than automatic is taken as it is. Where
// two cost the same, the one that is first in `costs` wins. Pure.
Choice choose(const Use& use, const std::vector<Cost>& costs,
              RefScheme configured = RefScheme::automatic);

// The arithmetic, as a table for people.
std::string explain(const Choice& choice);
// The same as an object, with that text in it.
nlohmann::ordered_json json_of(const Choice& choice);

}  // namespace ballast::probe
