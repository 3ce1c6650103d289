// Splits the text of a rule into its words and signs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace ballast::rules {

struct Token {
    enum class Kind : std::uint8_t { end, number, name, sign };
    Kind kind = Kind::end;
    std::string_view text;   // of the whole text
    double number = 0;       // with its suffix applied
    bool whole = false;      // written as digits alone
    std::size_t column = 1;  // 1-based

    bool is(std::string_view sign) const noexcept { return kind == Kind::sign && text == sign; }
};

// The first token at or after `at` in `text`, which outlives it; `at` moves behind it. Numbers may
// have a fraction and one of the suffixes KiB, MiB, GiB, TiB and %. Errors: invalid_argument,
// "column N: " and what is wrong there.
Result<Token> next_token(std::string_view text, std::size_t& at);

// "column N: MESSAGE".
Failure fail_at(std::size_t column, std::string_view message);

}  // namespace ballast::rules
