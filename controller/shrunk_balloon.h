// Why a balloon that nobody was asked to shrink is smaller than before. A guest takes memory back
// by itself when it runs out of it; its driver also does when the guest sleeps, starts another
// kernel by kexec, or the driver is replaced.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "controller/domain_control.h"
#include "model/host.h"

namespace ballast {

enum class ShrinkCause : std::uint8_t {
    none,              // the balloon did not shrink
    undecided,         // the guest's figures of after it have not come yet
    own_move,          // the guest is still seen on its way to a loan that was asked for before
    driver_restarted,  // a driver that began anew fills its balloon again
    out_of_memory,     // the guest took the memory back because it ran out
    other,             // the guest had enough: an external program, or a driver that is gone
};

enum class Shortage : std::uint8_t { unknown, no, yes };

// Whether a guest has used up `kept_bytes`, by figures of after it took back `taken_bytes` beyond
// that. Both figures are MemAvailable and MemFree, kUnknownBytes where not told. Little MemFree
// says nothing, since caches can be dropped. Pure.
Shortage shortage(std::uint64_t usable_bytes, std::uint64_t unused_bytes, std::uint64_t kept_bytes,
                  std::uint64_t taken_bytes) noexcept;

// Remembers when the guest of this row was last short. Call at each observation, before
// explain_shrinking().
void follow_shortage(const Observation& seen, std::size_t row, Time now,
                     DomainControl& control) noexcept;

// Call at each observation of an asynchronous domain. `control.floor_bytes` is what the guest lent
// before. Where it answers `undecided`, call again at the next observation; the domain is not asked
// for more meanwhile. `out_of_memory` only for guests that deflate on OOM. Never blocks.
ShrinkCause explain_shrinking(const Observation& seen, std::size_t row, Time now,
                              DomainControl& control) noexcept;

// A loan that is asked for replaces another one before the guest was seen there. Call before
// `control.set_bytes` becomes `loaned_bytes`.
void replace_request(std::uint64_t loaned_bytes, DomainControl& control) noexcept;

}  // namespace ballast
