// Text from elsewhere made safe to show.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ballast {

// One character of UTF-8.
struct Utf8Character {
    std::size_t size = 0;  // bytes; 0: what stands there is malformed, overlong or a surrogate
    char32_t code = 0;
};
// The one at `offset`, which is below the text's size. Pure.
Utf8Character utf8_at(std::string_view text, std::size_t offset) noexcept;

// Whether terminals and viewers obey the character instead of showing it: controls (C0, DEL, C1),
// line and paragraph separators, and those that change the direction of the text around them. Pure.
bool is_obeyed(char32_t character) noexcept;

// `text` on one line, with every such character and every byte that is not UTF-8 as an escape
// sequence: "\n", "\x1b", "\u202e". A backslash of the text stays as it is. Pure.
std::string escaped(std::string_view text);

}  // namespace ballast
