#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace ballast::log {
namespace {

// sd-daemon(3): a line may begin with "<N>", its syslog priority.
class JournalPriority final : public spdlog::custom_flag_formatter {
  public:
    void format(const spdlog::details::log_msg& message, const std::tm&,
                spdlog::memory_buf_t& out) override {
        const std::string_view prefix = message.level >= spdlog::level::err    ? "<3>"
                                        : message.level == spdlog::level::warn ? "<4>"
                                        : message.level == spdlog::level::info ? "<6>"
                                                                               : "<7>";
        out.append(prefix.data(), prefix.data() + prefix.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<JournalPriority>();
    }
};

spdlog::level::level_enum to_spdlog(Level level) noexcept {
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warn:
            return spdlog::level::warn;
        case Level::error:
            break;
    }
    return spdlog::level::err;
}

bool quiet = false;

spdlog::logger& logger() {
    static const std::shared_ptr<spdlog::logger> instance = spdlog::stderr_color_mt("ballast");
    return *instance;
}

}  // namespace

void init(bool for_journal) {
    if (for_journal) {
        auto formatter = std::make_unique<spdlog::pattern_formatter>();
        formatter->add_flag<JournalPriority>('*').set_pattern("%*%v");
        logger().set_formatter(std::move(formatter));
    } else {
        logger().set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    }
}

void set_level(Level level) noexcept {
    logger().set_level(quiet ? spdlog::level::err : to_spdlog(level));
}

void only_errors() noexcept {
    quiet = true;
    set_level(Level::error);
}

bool enabled(Level level) noexcept {
    return logger().should_log(to_spdlog(level));
}

void write(Level level, std::string_view line) {
    logger().log(to_spdlog(level), line);
}

}  // namespace ballast::log
