// Amounts of memory in the workload simulator.
#pragma once

#include <cstdint>

namespace ballast {

// Bytes, signed so that differences can be written down.
using Bytes = std::int64_t;

inline constexpr Bytes kSimPage = 4096;

// Rounded down; `bytes` >= 0.
constexpr Bytes whole_pages(Bytes bytes) noexcept {
    return bytes & ~(kSimPage - 1);
}

// Of `part` out of `whole` things, how many are among `amount` of the whole taken at random: to the
// byte, never so few that more than the remaining whole would be left. 0 <= part, amount <= whole.
constexpr Bytes among(Bytes part, Bytes amount, Bytes whole) noexcept {
    if (part == 0 || amount == 0) return 0;
    if (amount == whole) return part;
    const double share = static_cast<double>(amount) / static_cast<double>(whole);
    const auto expected = static_cast<Bytes>(static_cast<double>(part) * share);
    const Bytes least = part - (whole - amount);
    const Bytes most = part < amount ? part : amount;
    return expected < least ? least : expected > most ? most : expected;
}

}  // namespace ballast
