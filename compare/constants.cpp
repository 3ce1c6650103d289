#include "compare/constants.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/units.h"

namespace ballast::compare {
namespace {

constexpr double kMiBs = static_cast<double>(kMiB);

constexpr std::array kCatalogue{
    ConstantEntry{"turnover_s", 1, 86400, [](const Constants& c) { return c.guest.turnover_s; },
                  [](Constants& c, double value) { c.guest.turnover_s = value; },
                  "time in which programs touch all that they need"},
    ConstantEntry{"guest_fault_us", 0, 1e6,
                  [](const Constants& c) { return c.guest.guest_fault_us; },
                  [](Constants& c, double value) { c.guest.guest_fault_us = value; },
                  "a page from a guest's own swap or files"},
    ConstantEntry{"host_fault_us", 0, 1e6, [](const Constants& c) { return c.guest.host_fault_us; },
                  [](Constants& c, double value) { c.guest.host_fault_us = value; },
                  "a page of a guest from the host's swap"},
    ConstantEntry{"hot_cache_percent", 0, 100,
                  [](const Constants& c) { return c.guest.hot_cache_share * 100; },
                  [](Constants& c, double value) { c.guest.hot_cache_share = value / 100; },
                  "of demand: file data that is used over and over"},
    ConstantEntry{"cache_fill_s", 1, 1e9, [](const Constants& c) { return c.guest.cache_fill_s; },
                  [](Constants& c, double value) { c.guest.cache_fill_s = value; },
                  "time in which a guest reads as much from files as it has memory"},
    ConstantEntry{"guest_swap_percent", 0, 100,
                  [](const Constants& c) { return c.guest.guest_swap_share * 100; },
                  [](Constants& c, double value) { c.guest.guest_swap_share = value / 100; },
                  "of capacity: a guest's own swap"},
    ConstantEntry{"free_page_reporting", 0, 1,
                  [](const Constants& c) { return c.guest.free_page_reporting ? 1.0 : 0.0; },
                  [](Constants& c, double value) { c.guest.free_page_reporting = value != 0; },
                  "1: free pages of guests go back to the host by themselves"},
    ConstantEntry{"balloon_takes_hot_cache", 0, 1,
                  [](const Constants& c) { return c.guest.balloon_takes_hot_cache ? 1.0 : 0.0; },
                  [](Constants& c, double value) { c.guest.balloon_takes_hot_cache = value != 0; },
                  "0: a balloon comes short once free memory and cold cache are gone"},
    ConstantEntry{"min_mem_percent", 0, 100,
                  [](const Constants& c) { return c.min_mem_share * 100; },
                  [](Constants& c, double value) { c.min_mem_share = value / 100; },
                  "of capacity: kept by a guest whatever a policy asks"},
    ConstantEntry{"reserve_percent", 0, 100,
                  [](const Constants& c) { return c.reserve_share * 100; },
                  [](Constants& c, double value) { c.reserve_share = value / 100; },
                  "of the host: told to policies as what should stay free"},
    ConstantEntry{
        "short_below_mib", 0, 1e6,
        [](const Constants& c) { return static_cast<double>(c.short_below_bytes) / kMiBs; },
        [](Constants& c, double value) {
            c.short_below_bytes = static_cast<std::uint64_t>(value * kMiBs);
        },
        "a guest is short below both; 0: none ever is"},
    ConstantEntry{"short_below_percent", 0, 50,
                  [](const Constants& c) { return static_cast<double>(c.short_below_percent); },
                  [](Constants& c, double value) {
                      c.short_below_percent = static_cast<std::uint32_t>(value);
                  },
                  "of what it keeps"},
    ConstantEntry{"host_swap_percent", 0, 1000,
                  [](const Constants& c) { return c.host_swap_share * 100; },
                  [](Constants& c, double value) { c.host_swap_share = value / 100; },
                  "of all guests' memory: the host's swap"},
    ConstantEntry{"host_own_mib", 0, 1e9,
                  [](const Constants& c) { return static_cast<double>(c.host_own_bytes) / kMiBs; },
                  [](Constants& c, double value) {
                      c.host_own_bytes = static_cast<std::uint64_t>(value * kMiBs);
                  },
                  "what the host itself needs"},
    ConstantEntry{"restart_s", 0, 86400, [](const Constants& c) { return c.restart_s; },
                  [](Constants& c, double value) { c.restart_s = value; },
                  "a guest that the host had to kill is back after so long"},
    ConstantEntry{"look_ahead_s", 0, 86400, [](const Constants& c) { return c.look_ahead_s; },
                  [](Constants& c, double value) { c.look_ahead_s = value; }, "of the clairvoyant"},
    ConstantEntry{"stats_late_s", 0, 3600, [](const Constants& c) { return c.stats_late_s; },
                  [](Constants& c, double value) { c.stats_late_s = value; },
                  "guests' statistics arrive so late, at most a tick"},
};

std::string names() {
    std::string names;
    for (const ConstantEntry& entry : kCatalogue)
        names += (names.empty() ? "" : ", ") + std::string(entry.name);
    return names;
}

}  // namespace

std::span<const ConstantEntry> constant_catalogue() noexcept {
    return kCatalogue;
}

Result<void> set_constant(Constants& constants, std::string_view text) {
    const std::size_t equals = text.find('=');
    const std::string_view name = text.substr(0, equals);
    const auto* const entry =
        std::find_if(kCatalogue.begin(), kCatalogue.end(),
                     [name](const ConstantEntry& one) { return one.name == name; });
    if (entry == kCatalogue.end() || equals == std::string_view::npos)
        return fail(Errc::invalid_argument,
                    fmt::format("'{}', expected NAME=VALUE with one of {}", text, names()));
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + equals + 1, end, value);
    if (error != std::errc{} || stop != end || !(value >= entry->least && value <= entry->most))
        return fail(Errc::invalid_argument, fmt::format("'{}', expected {} from {} to {}", text,
                                                        name, entry->least, entry->most));
    entry->set(constants, value);
    return {};
}

}  // namespace ballast::compare
