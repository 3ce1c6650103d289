// A host with guests of a steady load, for policies to act on.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "base/saturating.h"
#include "base/units.h"
#include "policy/policy.h"

namespace ballast {

struct SmallGuest {
    std::uint64_t total_bytes = 4 * kGiB;
    std::uint64_t used_bytes = kGiB;
    std::uint64_t cache_bytes = 0;
    std::uint64_t min_mem_bytes = 512 * kMiB;
    std::uint64_t moves_bytes =
        256 * kMiB;  // how much its balloon moves between two ticks; 0 = stuck
    // Less free than this, and it faults 100 times a second.
    std::uint64_t faults_below_bytes = 0;
};

class SmallHost {
  public:
    SmallHost(std::uint64_t total_bytes, std::vector<SmallGuest> guests)
        : guests_(std::move(guests)) {
        seen.host.total_bytes = total_bytes;
        DomainTable& domains = seen.domains;
        domains.resize(guests_.size());
        requests.resize(guests_.size());
        for (std::size_t row = 0; row < guests_.size(); ++row) {
            domains.name[row] = "guest-" + std::to_string(row);
            domains.key[row] = key_from_name(domains.name[row]);
            domains.page_shift[row] = 12;
            domains.total_bytes[row] = guests_[row].total_bytes;
            domains.major_faults[row] = 0;
            domains.swapped_in_bytes[row] = 0;
            domains.swapped_out_bytes[row] = 0;
            min_mem.push_back(guests_[row].min_mem_bytes);
        }
        domains.membership = 1;
        tell();
    }

    // One second: the policy asks, balloons move.
    void tick(Policy& policy) {
        policy.request(seen, {.min_mem_bytes = min_mem, .host_reserve_bytes = reserve_bytes},
                       requests);
        for (std::size_t row = 0; row < guests_.size(); ++row) {
            const auto moves = static_cast<std::int64_t>(guests_[row].moves_bytes);
            const std::int64_t moved = std::clamp(requests[row], -moves, moves);
            std::uint64_t& loaned = seen.domains.loaned_bytes[row];
            loaned = static_cast<std::uint64_t>(static_cast<std::int64_t>(loaned) + moved);
        }
        seen.at += std::chrono::seconds(1);
        tell();
    }

    std::uint64_t kept(std::size_t row) const {
        return seen.domains.total_bytes[row] - seen.domains.loaned_bytes[row];
    }

    Observation seen;
    std::vector<std::int64_t> requests;
    std::vector<std::uint64_t> min_mem;
    std::uint64_t reserve_bytes = 0;

  private:
    void tell() {
        DomainTable& domains = seen.domains;
        std::uint64_t kept_by_all = 0;
        for (std::size_t row = 0; row < guests_.size(); ++row) {
            const SmallGuest& guest = guests_[row];
            const std::uint64_t spare = less(kept(row), guest.used_bytes);
            domains.cache_bytes[row] = std::min(guest.cache_bytes, spare);
            domains.unused_bytes[row] = spare - domains.cache_bytes[row];
            domains.usable_bytes[row] = spare;
            if (domains.unused_bytes[row] < guest.faults_below_bytes)
                domains.major_faults[row] += 100;
            kept_by_all += kept(row);
        }
        seen.host.available_bytes = less(seen.host.total_bytes, kept_by_all);
    }

    std::vector<SmallGuest> guests_;
};

// How often a balloon turned around within `seconds`.
inline int turns(SmallHost& host, Policy& policy, std::size_t row, int seconds) {
    int count = 0;
    int direction = 0;
    for (int i = 0; i < seconds; ++i) {
        const std::uint64_t before = host.kept(row);
        host.tick(policy);
        const int now = host.kept(row) > before ? 1 : host.kept(row) < before ? -1 : 0;
        if (now != 0 && direction != 0 && now != direction) ++count;
        if (now != 0) direction = now;
    }
    return count;
}

}  // namespace ballast
