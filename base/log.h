// Logging for the edge of the program; inner layers return errors instead.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string_view>
#include <utility>

namespace ballast::log {

enum class Level { debug, info, warn, error };

// Where lines go: to standard error with a time, or (under systemd) with the journal's priority
// prefix and no time. Call once, before threads start.
void init(bool for_journal);

// Lines below `level` are dropped. Any thread.
void set_level(Level level) noexcept;
bool enabled(Level level) noexcept;

// Lines go to `writer` instead while this lives; the level is afterwards what it was before. They
// nest. Begins and ends while no other thread logs.
class Redirect {
  public:
    using Writer = std::function<void(Level, std::string_view line)>;
    explicit Redirect(Writer writer);
    ~Redirect();
    Redirect(const Redirect&) = delete;
    Redirect& operator=(const Redirect&) = delete;

  private:
    Writer writer_;
    Writer* outer_;
    int level_;
};

// Writes one line, with whatever a reader would obey escaped (see escape.h). Any thread; may block
// on the descriptor.
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
