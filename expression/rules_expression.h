// The expressions of the policy `rules`: the usual precedence, and an answer for everything.
// docs/rules.md has the grammar.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ballast::rules {

// Figures by name and age. Not owned by those who are given one.
class Samples {
  public:
    virtual ~Samples() = default;
    // The figure whose place in the list of names is `name`, `back` samples ago (0 = now). Not a
    // number: unknown.
    virtual double figure(std::size_t name, std::uint32_t back) const = 0;
};

enum class Kind : std::uint8_t { number, condition };
enum class Answer : std::uint8_t { no, yes, unknown };

// Samples further back than this cannot be asked for.
inline constexpr std::uint32_t kMaxBack = 100;

// Made by parse(). Evaluated without allocating, in time linear in its length (and in the samples
// that it averages). What is computed from something unknown is unknown, except where a known part
// decides (`&&`, `||`); so is what has no finite value, as a division by zero.
class Expression {
  public:
    double number(const Samples& samples) const noexcept;     // of Kind::number; NaN = unknown
    Answer condition(const Samples& samples) const noexcept;  // of Kind::condition
    // How far back it looks at figure `name`; nothing is said of names it does not use.
    std::uint32_t back(std::size_t name) const noexcept;
    bool uses(std::size_t name) const noexcept;

  private:
    friend class Builder;
    enum class Op : std::uint8_t {
        constant,
        figure,   // name, count = how far back
        average,  // name, over count samples from now
        change,   // name: now less one sample ago
        negate,
        invert,
        plus,
        minus,
        times,
        divide,
        less,
        less_or_equal,
        greater,
        greater_or_equal,
        equal,
        not_equal,
        both,
        either,
        least,
        most,
    };
    // Takes its operands from a stack, and leaves its value there.
    struct Step {
        Op op{};
        std::uint32_t name = 0;
        std::uint32_t count = 0;
        double value = 0;
    };
    static constexpr std::size_t kMaxStack = 64;

    double run(const Samples& samples) const noexcept;
    static double binary(Op op, double a, double b) noexcept;

    std::vector<Step> steps_;
};

// Reads an expression of that kind. `names` are the figures there are. Errors: invalid_argument,
// "column N: " and what was expected there. N is 1 at the start of `text`.
Result<Expression> parse(std::string_view text, Kind kind, std::span<const std::string_view> names);

}  // namespace ballast::rules
