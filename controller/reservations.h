// Reservations of host memory, and what is left of each.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/host.h"
#include "model/reservation.h"

namespace ballast {

// Loop's thread only.
class Reservations {
  public:
    static constexpr std::size_t kMost = 64;
    static constexpr Duration kLongest = std::chrono::hours(24);

    // 1 .. 2^53 bytes, for 1 s .. kLongest from `now`; `ready` as of the host's last figures. An
    // older one of the same domain ends: its start is tried again. Errors: invalid_argument; busy
    // (too many).
    Result<std::uint64_t> add(std::uint64_t bytes, std::string domain, Duration expires, Time now);
    // False if there is none of that number.
    bool remove(std::uint64_t id);
    void clear() noexcept;

    // After each observation: reservations end when their time has come, or when their domain has
    // gone again; their domain's resident memory comes off; `ready` follows the host's memory.
    void follow(const Observation& seen, std::uint64_t host_reserve_bytes, Time now);

    // Whether any has ended since this was asked last.
    bool take_ended() noexcept { return std::exchange(ended_, false); }

    std::uint64_t outstanding_bytes() const noexcept;
    std::span<const Reservation> list() const noexcept { return all_; }

  private:
    std::vector<Reservation> all_;  // oldest first
    void look(const HostState& host) noexcept;

    std::uint64_t last_id_ = 0;
    HostState host_;  // as last seen
    std::uint64_t host_reserve_bytes_ = 0;
    bool ended_ = false;
};

}  // namespace ballast
