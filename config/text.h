// Text from a file that may hold anything, made fit for a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ballast {

// At most 64 bytes of `text`, cut between characters; what a terminal would obey (see
// is_obeyed) becomes '?'.
std::string shown(std::string_view text);

// Offset of the first byte that is not well-formed UTF-8, or npos.
std::size_t find_non_utf8(std::string_view text) noexcept;

struct Place {
    int line = 1;    // from 1
    int column = 1;  // in bytes, from 1
};
Place place_of(std::string_view text, std::size_t offset) noexcept;

}  // namespace ballast
