#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <utility>

#include "base/escape.h"

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

spdlog::logger& logger() {
    // A loadable backend has a copy of this code and shares the program's logger.
    static const std::shared_ptr<spdlog::logger> instance = [] {
        auto shared = spdlog::get("ballast");
        return shared != nullptr ? shared : spdlog::stderr_color_mt("ballast");
    }();
    return *instance;
}

// Of the innermost Redirect; nullptr = to the logger.
Redirect::Writer* redirected = nullptr;

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
    logger().set_level(to_spdlog(level));
}

bool enabled(Level level) noexcept {
    return logger().should_log(to_spdlog(level));
}

void write(Level level, std::string_view line) {
    // Names and messages from elsewhere are part of it.
    const std::string safe = escaped(line);
    if (redirected != nullptr) {
        (*redirected)(level, safe);
    } else {
        logger().log(to_spdlog(level), safe);
    }
}

Redirect::Redirect(Writer writer)
    : writer_(std::move(writer)), outer_(redirected), level_(logger().level()) {
    redirected = &writer_;
}

Redirect::~Redirect() {
    redirected = outer_;
    logger().set_level(static_cast<spdlog::level::level_enum>(level_));
}

}  // namespace ballast::log
