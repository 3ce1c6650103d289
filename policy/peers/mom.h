// The ballooning rules of oVirt's MOM (doc/balloon.rules), to the bit.
//
// Amounts are KiB in doubles, as the rules work them out; whole ones are exact up to 2^53.
#pragma once

#include <optional>
#include <span>

namespace ballast::mom {

// The mean of the samples that there are (Entity.StatAvg): 0 if every one of them is missing,
// nullopt if there is none at all, not even a missing one.
std::optional<double> average(std::span<const std::optional<double>> samples);

// Its constants.
struct Rules {
    double pressure_threshold = 0.20;  // of the host's memory free: below, guests shrink
    double pressure_critical = 0.05;   // at or below, guests are made to swap
    double guest_free = 0.20;          // of its memory that a guest is to have free
    double most_change = 0.05;         // of its memory, in one cycle
    double least_change = 0.0025;      // of its memory; a smaller move is not worth it
};

// nullopt: not known. Whether that matters depends on what the rules come to look at.
struct Guest {
    std::optional<double> balloon_cur_kib;          // what it keeps, last sample
    std::optional<double> balloon_cur_average_kib;  // the same, mean of the last samples
    std::optional<double> mem_unused_average_kib;
    std::optional<double> balloon_min_kib;
    std::optional<double> balloon_max_kib;
};

// Free memory as a share of all. nullopt: it cannot be told (nothing known, or no memory at all).
// `free_average_kib` includes buffers and page cache.
std::optional<double> host_free(std::optional<double> free_average_kib,
                                std::optional<double> total_kib);

// What the rules want for one guest.
struct Verdict {
    // An attribute that they read is missing. One such guest makes MOM drop the whole cycle.
    bool failed = false;
    // The memory target, before it is cut to whole KiB. nullopt: it is left as it is.
    std::optional<double> memory_target_kib;
};
Verdict judge(const Guest& guest, double host_free, const Rules& rules = {});

}  // namespace ballast::mom
