// A host whose guests do at once what they are asked, each with a load that does not change.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/saturating.h"
#include "base/units.h"
#include "policy/policy.h"

namespace ballast::test {

struct ToyGuest {
    std::uint64_t total_bytes = 4 * kGiB;
    std::uint64_t used_bytes = kGiB;  // what it works with
    std::uint64_t cache_bytes = 0;    // of the rest, what holds files as long as there is room
    std::uint64_t min_mem_bytes = 512 * kMiB;
    std::uint32_t shares = 1000;
    std::uint64_t loaned_bytes = 0;

    std::uint64_t kept_bytes() const { return less(total_bytes, loaned_bytes); }
};

class ToyHost {
  public:
    // `own_bytes` are used by the host itself.
    ToyHost(std::uint64_t total_bytes, std::uint64_t own_bytes, std::vector<ToyGuest> toys)
        : guests(std::move(toys)), own_bytes_(own_bytes) {
        seen.host.total_bytes = total_bytes;
        seen.domains.resize(guests.size());
        seen.domains.membership = 1;
        for (std::size_t row = 0; row < guests.size(); ++row) {
            seen.domains.key[row] = key_from_name("toy-" + std::to_string(row));
            seen.domains.page_shift[row] = 12;
            seen.domains.major_faults[row] = 0;
        }
        observe();
    }

    // One tick a second; one that asks for nothing it could not have.
    void run(Policy& policy, int seconds) {
        std::vector<std::int64_t> requests(guests.size());
        for (int second = 0; second < seconds; ++second) {
            observe();
            policy.request(seen, inputs(), requests);
            for (std::size_t row = 0; row < guests.size(); ++row)
                guests[row].loaned_bytes = static_cast<std::uint64_t>(
                    static_cast<std::int64_t>(guests[row].loaned_bytes) + requests[row]);
            seen.at += std::chrono::seconds(1);
        }
        observe();
    }

    std::uint64_t free_bytes() const {
        std::uint64_t used = own_bytes_;
        for (const ToyGuest& guest : guests) used += guest.kept_bytes();
        return less(seen.host.total_bytes, used);
    }

    PolicyInputs inputs() const {
        return {.min_mem_bytes = min_mem_, .shares = shares_, .held = held};
    }

    Observation seen;
    std::vector<ToyGuest> guests;
    std::vector<std::uint8_t> held;  // empty: none is

  private:
    void observe() {
        DomainTable& domains = seen.domains;
        seen.host.available_bytes = free_bytes();
        min_mem_.clear();
        shares_.clear();
        for (std::size_t row = 0; row < guests.size(); ++row) {
            const ToyGuest& guest = guests[row];
            const std::uint64_t idle = less(guest.kept_bytes(), guest.used_bytes);
            domains.total_bytes[row] = guest.total_bytes;
            domains.loaned_bytes[row] = guest.loaned_bytes;
            domains.cache_bytes[row] = std::min(guest.cache_bytes, idle);
            domains.unused_bytes[row] = idle - domains.cache_bytes[row];
            domains.usable_bytes[row] = idle;
            // A fault for each MiB that it lacks.
            domains.major_faults[row] += less(guest.used_bytes, guest.kept_bytes()) / kMiB;
            min_mem_.push_back(guest.min_mem_bytes);
            shares_.push_back(guest.shares);
        }
    }

    std::uint64_t own_bytes_;
    std::vector<std::uint64_t> min_mem_;
    std::vector<std::uint32_t> shares_;
};

inline std::unique_ptr<Policy> policy_of(PolicyKind kind) {
    return *make_policy(default_choice(kind));
}

}  // namespace ballast::test
