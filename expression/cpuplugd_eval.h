// The value of cpuplugd's expressions (eval_double, eval_term of cpuplugd/terms.c).
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "expression/cpuplugd_term.h"

namespace ballast::cpuplugd {

using Symbols = std::array<double, kSymbols>;

// The figures of samples. Not owned by those who are given one.
class History {
  public:
    virtual ~History() = default;
    // A figure of meminfo, vmstat or cpustat, or the time in seconds (`name` is empty), `back`
    // samples ago. Nothing: the sample has none of that name.
    virtual std::optional<double> figure(Op source, std::string_view name,
                                         std::uint32_t back) const = 0;
};

// Why there is no value.
enum class Stop : std::uint8_t {
    none,
    trap,  // a floating-point exception: cpuplugd leaves this round out
    exit,  // cpuplugd ends: a figure is not there, or a comparison is used as a number
};

struct Number {
    double value = 0;
    Stop stop = Stop::none;
};
struct Truth {
    bool holds = false;
    Stop stop = Stop::none;
};

// The value as a number. A comparison, `!`, `&` or `|` has none: exit.
Number number_of(const Term& term, const Symbols& symbols, const History& history);
// The same as a condition: a number holds if it is not 0. `&` and `|` leave their right side out
// where the left one decides.
Truth truth_of(const Term& term, const Symbols& symbols, const History& history);

// One operation (plus, minus, times, divide) with the exceptions that cpuplugd enables: division
// by zero, overflow, underflow, invalid. Found by looking at the numbers; no state of the processor
// is touched. An unmasked underflow traps on each tiny result, exact ones too.
Number calculate(Op op, double a, double b) noexcept;

// C's conversion to long, which traps where the number has no place in it.
struct Whole {
    std::int64_t value = 0;
    Stop stop = Stop::none;
};
Whole whole_of(double value) noexcept;

}  // namespace ballast::cpuplugd
