// Reads cpuplugd's expressions, with everything that is odd about them (cpuplugd/terms.c).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "expression/cpuplugd_term.h"

namespace ballast::cpuplugd {

// What an operator defined: a name stands for its text, as if in parentheses.
class Variables {
  public:
    // False where cpuplugd would end: a name that is taken, cpuplugd's own, or too long.
    [[nodiscard]] bool add(std::string_view name, std::string_view text);
    // nullptr: there is none of that name.
    const std::string* find(std::string_view name) const noexcept;

  private:
    std::vector<std::pair<std::string, std::string>> all_;
};

inline constexpr std::size_t kMaxVariableName = 128;

struct Parsed {
    enum class Outcome : std::uint8_t {
        read,   // `term` has it
        error,  // not an expression, or followed by what is none
        exit,   // cpuplugd ends: a variable in it does not parse, or has too long a name
    };
    Outcome outcome = Outcome::error;
    std::optional<Term> term;
    // Characters that were not read: all of them where nothing could be made of the text.
    std::size_t rest = 0;
    // Where that is, for people: 1-based, and in `text`'s variable if it has a name.
    std::size_t column = 0;
    std::string variable;
};

// `text` has no blanks: the reader of the configuration takes them out. Odd, and kept:
// - a `-` before anything but a digit and a `!` take all that follows at the precedence they stand
//   at: -a+4 is -(a+4), !a&b is !(a&b);
// - names are found by their beginning: "username" is `user`, followed by what is no operator;
// - numbers are what scanf makes of them: hexadecimal, "1e*2" is 1*2; ".5" is none;
// - names in meminfo and the like have no digits.
// Ours alone: an expression of more than 4096 parts, or 512 levels, and a variable that contains
// itself end as `exit`; there, cpuplugd runs out of memory.
Parsed parse(std::string_view text, const Variables& variables);

}  // namespace ballast::cpuplugd
