// s390-tools' cpuplugd, its part for memory: rules that grow and shrink a guest's own balloon,
// cmm_pages, in pages of 4 KiB (cpuplugd/{config,main}.c).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "expression/cpuplugd_eval.h"
#include "expression/cpuplugd_parse.h"

namespace ballast::cpuplugd {

// The most samples that a rule may look back.
inline constexpr std::uint32_t kMaxHistory = 100;

struct Rules {
    std::int64_t least_pages = -1;  // CMM_MIN; -1 = not set
    std::int64_t most_pages = -1;   // CMM_MAX
    std::optional<Term> increment;  // CMM_INC
    std::optional<Term> decrement;  // CMM_DEC; as the increment where it is not set
    std::optional<Term> plug;       // MEMPLUG: give memory back to the guest
    std::optional<Term> unplug;     // MEMUNPLUG: take some
    // Samples to see before the first decision; at least one.
    std::uint32_t history = 1;

    // False where cpuplugd leaves memory alone: something needed is not set, or the limits cross.
    bool usable() const noexcept;
};

// A configuration, read line by line.
class RulesReader {
  public:
    // NAME="text" without blanks and quotes. Settings are found by the beginning of their name, in
    // any case, like there: "memplugged" sets the rule. What is no setting defines a variable.
    // An empty rule is one that is not set. False where cpuplugd would end.
    [[nodiscard]] bool line(std::string_view name, std::string_view text);
    // False as well where a rule looks back too far.
    [[nodiscard]] bool finish();
    const Rules& rules() const noexcept { return rules_; }

  private:
    bool term(std::string_view text, std::optional<Term>& into);

    Variables variables_;
    Rules rules_;
};

// What one round of rules came to.
struct Round {
    Stop stop = Stop::none;  // trap: nothing is done; exit: cpuplugd ends
    std::int64_t pages = 0;  // cmm_pages afterwards
    // The rest is there where nothing stopped it.
    double free_mib = 0;
    double swap_rate = 0;
    double page_cache_rate = 0;
    std::int64_t increment = 0;
    std::int64_t decrement = 0;
};

// The rates between the last two samples, `interval_s` apart, and MemFree of the last one; other
// symbols are 0, as in a cpuplugd that has no rules for processors.
struct MemorySymbols {
    Symbols values{};
    Stop stop = Stop::none;
};
MemorySymbols memory_symbols(double interval_s, const History& history);

// One round. `rules` are usable. Both step sizes are evaluated before the rules, used or not, so
// that a trap in either stops the round, the limits too.
Round decide(const Rules& rules, std::int64_t pages, const MemorySymbols& symbols,
             const History& history);

}  // namespace ballast::cpuplugd
