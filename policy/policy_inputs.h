// The one place where PolicyInputs are put together, for a daemon's tick and for comparisons.
#pragma once

#include <cstdint>
#include <vector>

#include "model/host.h"
#include "policy/policy.h"

namespace ballast {

// States in which a hypervisor or a guest would not do what a policy asks.
inline constexpr DomainFlags kHeldFlags =
    DomainFlags::paused | DomainFlags::migrating | DomainFlags::hotplug | DomainFlags::no_driver |
    DomainFlags::pinned_memory | DomainFlags::starting | DomainFlags::unanswered |
    DomainFlags::crashed | DomainFlags::saving;

// What the caller knows of one domain.
struct DomainInputs {
    std::uint64_t fixed_loan_bytes = 0;
    std::uint64_t min_mem_bytes = 0;
    std::uint64_t oom_credit_bytes = 0;  // is kept on top of min_mem_bytes
    std::uint64_t set_bytes = kUnknownBytes;
    std::uint32_t shares = 1000;  // 0 .. 10000
    bool held = false;            // for a reason that the observation does not show
};

// What the caller knows of the host, and what is the same for all domains.
struct HostInputs {
    std::uint64_t reserve_bytes = 0;
    std::uint64_t reserved_bytes = 0;  // on top of reserve_bytes
    std::uint64_t short_below_bytes = 0;
    std::uint32_t short_below_percent = 0;  // 0 .. 99
};

// One thread. Allocates only while the number of rows grows.
class PolicyInputsBuilder {
  public:
    // `domain_of(row)` gives the DomainInputs of each row of `domains`. The answer's columns are
    // the builder's: they hold until the next call.
    template <class DomainOf>
    const PolicyInputs& build(const DomainTable& domains, const HostInputs& host,
                              const DomainOf& domain_of) {
        resize(domains.size());
        for (std::size_t row = 0; row < domains.size(); ++row) {
            const DomainInputs domain = domain_of(row);
            const bool held = domain.held || (domains.flags[row] & kHeldFlags) != DomainFlags::none;
            fixed_loan_bytes_[row] = domain.fixed_loan_bytes;
            min_mem_bytes_[row] = domain.min_mem_bytes + domain.oom_credit_bytes;
            set_bytes_[row] = domain.set_bytes;
            shares_[row] = domain.shares;
            held_[row] = held ? 1 : 0;
        }
        inputs_.host_reserve_bytes = host.reserve_bytes + host.reserved_bytes;
        inputs_.reserved_bytes = host.reserved_bytes;
        inputs_.short_below_bytes = host.short_below_bytes;
        inputs_.short_below_percent = host.short_below_percent;
        return inputs_;
    }

    bool is_held(std::size_t row) const noexcept { return held_[row] != 0; }

  private:
    void resize(std::size_t rows);

    PolicyInputs inputs_;
    std::vector<std::uint64_t> fixed_loan_bytes_;
    std::vector<std::uint64_t> min_mem_bytes_;
    std::vector<std::uint64_t> set_bytes_;
    std::vector<std::uint32_t> shares_;
    std::vector<std::uint8_t> held_;
};

}  // namespace ballast
