// Why a loan changed, in words.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ballast::report {

enum class Why : std::uint8_t {
    // Decisions: to lend more ...
    host_short,   // figures: available, reserve
    host_swaps,   // figures: swapped out in this step
    guest_spare,  // figures: the guest's available memory, the host's
    // ... to lend less ...
    guest_oom,     // figures: what it took back in this step
    guest_misses,  // figures: what it needs and had dropped or swapped
    guest_low,     // figures: the guest's available memory, what it keeps
    host_room,     // figures: available, reserve
    neither,       // figures: the guest's available memory, the host's
    // ... or either.
    foresees,    // the clairvoyant
    hypervisor,  // asked for by the hypervisor
    fixed,       // set by the operator
    told,        // the controller's own words: Reason::text
    // What happened without a decision.
    took_back,        // figures: taken out of the balloon
    killed_programs,  // figures: demand that was cut
    came_short,       // figures: asked for, reached
    came,
    went,
    killed,  // by the host, whose memory and swap were full
};
inline constexpr std::size_t kWhyCount = 18;

struct Reason {
    Why why = Why::neither;
    std::array<std::int64_t, 2> figures{};  // bytes, as said above
    // What a policy wanted lent where that was more than the guest may lend; else 0.
    std::int64_t wanted_bytes = 0;
    std::string text;  // what whoever decided says of it: a sentence with Why::told, else a clause
};

// Whether somebody decided it; otherwise it happened.
bool is_decision(Why why) noexcept;

// A few words for a list of kinds to choose from.
std::string_view title_of(Why why) noexcept;
// A sentence in which {0} and {1} stand for figures.
std::string_view sentence_of(Why why) noexcept;
// The sentence to come after where a decision was held back; {0} is what was wanted.
std::string_view bounded_sentence() noexcept;

}  // namespace ballast::report
