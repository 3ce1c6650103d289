// What the parts of RecordedHost share.
#pragma once

#include <algorithm>
#include <cstdint>

#include "recording/recorded_host.h"

namespace ballast {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 50U;
// All guests are told once a minute, and once more where one of those was lost.
constexpr double kRound_s = 60;
constexpr std::size_t kRoundsUntilGone = 3;

inline std::uint64_t kept_bytes(const RecordedGuest& guest) noexcept {
    return guest.total_bytes - std::min(guest.loaned_bytes, guest.total_bytes);
}

inline std::uint64_t grown(std::uint64_t before, std::uint64_t now) noexcept {
    return now >= before ? now - before : now;  // it started over
}

}  // namespace ballast
