// The lines that the driver writes into the kernel's log, and where its attributes are.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

#include "controller/attributes.h"

namespace ballast::conform {

inline constexpr std::string_view kOomStarted = "cmm: OOM processing started";
inline constexpr std::string_view kOomComplete = "cmm: OOM processing complete";
inline constexpr std::string_view kBeginRequest = "cmm: Begin request for ";
inline constexpr std::string_view kBeginFree = "cmm: Begin free of ";
inline constexpr std::string_view kEndRequest = "cmm: End request with ";
inline constexpr std::string_view kOfflineComplete = "cmm: Memory offline operation complete.";
inline constexpr std::string_view kHotplugOccurred =
    "cmm: Hotplug operation has occurred, loaning activity suspended for ";
inline constexpr std::string_view kHotplugRunning = "cmm: Hotplug operation in progress";

inline bool starts_with(std::string_view text, std::string_view prefix) noexcept {
    return text.substr(0, prefix.size()) == prefix;
}

// The thread woke up and stood aside because of memory hotplug.
inline bool is_aside(std::string_view text) noexcept {
    return starts_with(text, kHotplugOccurred) || starts_with(text, kHotplugRunning);
}

// The number after `prefix`, if `text` begins with it.
inline std::optional<std::uint64_t> number_after(std::string_view text,
                                                 std::string_view prefix) noexcept {
    if (!starts_with(text, prefix)) return std::nullopt;
    text.remove_prefix(prefix.size());
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    return number;
}

// Of a module parameter or an attribute of the driver's device, by its path.
inline std::optional<Attribute> attribute_at(std::string_view path) {
    constexpr std::string_view parameters = "/sys/module/cmm/parameters/";
    constexpr std::string_view attributes = "/sys/devices/system/cmm/cmm0/";
    for (const std::string_view folder : {parameters, attributes}) {
        if (!starts_with(path, folder)) continue;
        const auto attribute = attribute_from_name(path.substr(folder.size()));
        if (attribute) return *attribute;
    }
    return std::nullopt;
}

}  // namespace ballast::conform
