// Sizes and durations as people write them. Powers of 1024 only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace ballast {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

// Reads "256MiB", "256M", "1G", "4096KiB", "1TiB" or plain bytes ("512"); a fraction is allowed
// with a unit ("1.5GiB") if it comes to whole bytes. Case of the unit does not matter. Errors:
// invalid_argument with what was found and what is expected; values above 2^63-1 are refused.
Result<std::uint64_t> parse_size(std::string_view text);

// "256 MiB", "1.50 GiB", "0 B": at most two decimals, for people.
std::string format_size(std::uint64_t bytes);
// The same with a sign: "+256 MiB", "-1.50 GiB".
std::string format_signed_size(std::int64_t bytes);

// Reads "1.5s", "200ms", "10m", "2h", "1d", or plain seconds ("5"). Never negative; errors:
// invalid_argument; values above 100 years are refused.
Result<Duration> parse_duration(std::string_view text);

// "1.5s", "10m", "2h30m", "1d", "250us": to the ms, or to the us where it is shorter, for people.
std::string format_duration(Duration duration);

}  // namespace ballast
