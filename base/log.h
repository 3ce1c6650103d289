// Logging for the edge of the program; inner layers return errors instead.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace ballast::log {

enum class Level { debug, info, warn, error };

// Where lines go: to standard error with a time, or (under systemd) with the journal's priority
// prefix and no time. Call once, before threads start.
void init(bool for_journal);

// Lines below `level` are dropped. Any thread.
void set_level(Level level) noexcept;
// From now on errors alone are written, whatever set_level() says: for programs that answer on
// standard output and whose time may be simulated. Call once, before threads start.
void only_errors() noexcept;
bool enabled(Level level) noexcept;

// Writes one line. Any thread; may block on the descriptor.
void write(Level level, std::string_view line);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::debug))
        write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::info)) write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::warn)) write(Level::warn, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
    if (enabled(Level::error))
        write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace ballast::log
