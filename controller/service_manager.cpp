#include "controller/service_manager.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace ballast::service_manager {
namespace {

void notify(const std::string& state) noexcept {
    sd_notify(0, state.c_str());
}

}  // namespace

bool logs_to_journal() noexcept {
    return std::getenv("JOURNAL_STREAM") != nullptr;
}

void ready(std::string_view status) noexcept {
    notify(fmt::format("READY=1\nSTATUS={}", status));
}

void reloading() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);  // the protocol asks for this clock's figure
    const auto microseconds = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
                              static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
    notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", microseconds));
}

void stopping(std::string_view status, Duration more) noexcept {
    notify(fmt::format("STOPPING=1\nEXTEND_TIMEOUT_USEC={}\nSTATUS={}",
                       std::chrono::duration_cast<std::chrono::microseconds>(more).count(),
                       status));
}

void watchdog_beat() noexcept {
    notify("WATCHDOG=1");
}

Duration watchdog_period() noexcept {
    std::uint64_t microseconds = 0;
    if (sd_watchdog_enabled(0, &microseconds) <= 0) return Duration{0};
    return std::chrono::microseconds(microseconds / 2);
}

}  // namespace ballast::service_manager
