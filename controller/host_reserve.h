// How much of the host's memory no guest is given.
#pragma once

#include <cstdint>

#include "config/settings.h"
#include "model/host.h"

namespace ballast {

// In bytes. What was configured; where nothing was, an eighth of the host's memory and at most
// 2 GiB, or 0 while the host's memory is not known.
std::uint64_t reserve_of(const HostState& host, const HostSettings& settings) noexcept;

}  // namespace ballast
