// XenServer's squeezed (ocaml/squeezed/lib/squeeze.ml): shares the host's memory so that each
// domain keeps the same fraction of its range. Sizes in KiB. Its `target` is a memory target.
#pragma once

#include <cstdint>
#include <vector>

namespace ballast::squeezed {

struct Domain {
    std::int64_t domid = 0;
    bool can_balloon = false;
    std::int64_t min_kib = 0;         // dynamic_min: what it keeps at least
    std::int64_t max_kib = 0;         // dynamic_max: what it keeps at most
    std::int64_t target_kib = 0;      // memory target, as set now
    std::int64_t actual_kib = 0;      // what it has
    std::int64_t inaccuracy_kib = 0;  // how far off its target it may stay
};

struct Host {
    std::int64_t free_kib = 0;
    std::vector<Domain> domains;  // in descending order of domid, each once
};

// Safeguards of squeezed that its own tests take away.
struct Faults {
    bool disable_two_phase = false;
    bool disable_inaccuracy_compensation = false;
};

struct Target {
    std::int64_t domid = 0;
    std::int64_t target_kib = 0;
    friend bool operator==(const Target&, const Target&) = default;
};

// What is free besides `host_target_kib`, and what all domains would free at their least, in
// proportion to their ranges (max - min). Writes a target for each domain, in their order, whether
// it can balloon or not: the caller filters. Sums stop at the ends of 64 bits. A range of 0 for
// all: everybody gets the least.
void compute_targets(const Host& host, std::int64_t host_target_kib, const Faults& faults,
                     std::vector<Target>& targets);

// The target is met, as far as the domain can.
bool at_target(const Domain& domain, std::int64_t target_kib) noexcept;

}  // namespace ballast::squeezed
