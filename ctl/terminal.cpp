#include "ctl/terminal.h"

#include <fmt/color.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace ballast::ctl {
namespace {

fmt::text_style style_of(Colour colour) {
    switch (colour) {
        case Colour::none:
            return {};
        case Colour::bold:
            return fmt::emphasis::bold;
        case Colour::dim:
            return fmt::emphasis::faint;
        case Colour::red:
            return fmt::fg(fmt::terminal_color::red);
        case Colour::yellow:
            return fmt::fg(fmt::terminal_color::yellow);
    }
    return {};
}

}  // namespace

Terminal terminal_of(int fd) {
    Terminal terminal;
    if (::isatty(fd) != 1) return terminal;
    terminal.interactive = true;
    const char* no_colour = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    terminal.colour = (no_colour == nullptr || *no_colour == '\0') && term != nullptr &&
                      std::string_view(term) != "dumb";
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) == 0) {
        terminal.width = size.ws_col;
        terminal.height = size.ws_row;
    }
    return terminal;
}

std::string paint(std::string_view text, Colour colour, bool colours) {
    if (!colours || colour == Colour::none || text.empty()) return std::string(text);
    return fmt::format(style_of(colour), "{}", text);
}

}  // namespace ballast::ctl
