// What an output stream can show.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ballast::ctl {

struct Terminal {
    bool interactive = false;  // a person looks at it
    bool colour = false;
    std::size_t width = 0;   // columns; 0 = no limit
    std::size_t height = 0;  // lines; 0 = no limit
};

// Looks at descriptor `fd` and at the environment (NO_COLOR, TERM).
Terminal terminal_of(int fd);

enum class Colour { none, bold, dim, red, yellow };

// `text` in that colour where the terminal has colours.
std::string paint(std::string_view text, Colour colour, bool colours);

}  // namespace ballast::ctl
