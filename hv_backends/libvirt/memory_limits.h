// How much each domain may keep before the memory cgroups around its QEMU, or its <memtune>, are
// full.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "hv_backends/libvirt/backoff.h"
#include "hv_backends/libvirt/domain_facts.h"
#include "hv_backends/libvirt/memory_cgroups.h"
#include "model/domain.h"

namespace ballast {

// Loop's thread only.
class MemoryLimits {
  public:
    // Cgroups are read where `local` (the domains run on this machine).
    MemoryLimits(bool local, MemoryCgroups cgroups) : local_(local), cgroups_(std::move(cgroups)) {}

    using FactsOf = std::function<const DomainFacts*(std::size_t row)>;
    // Fills the column limit_bytes: kUnknownBytes where all of a domain's memory fits. Domains that
    // share a cgroup share evenly what is left in it. `facts_of` answers nullptr where they are not
    // known. Reads a domain's cgroups every ten seconds.
    void fill(DomainTable& domains, const FactsOf& facts_of, Time now);

  private:
    struct Known {
        int pid = 0;
        Backoff search{std::chrono::seconds(1), std::chrono::minutes(1)};
        std::optional<Time> read_at;
        std::vector<MemoryCgroup> cgroups;
        std::uint64_t resident_bytes = 0;  // when they were read
        std::uint64_t pass = 0;
    };
    // What is charged to one cgroup in this pass.
    struct Charge {
        std::uint64_t limit_bytes = 0;
        std::uint64_t used_bytes = 0;
        std::uint64_t resident_bytes = 0;  // of the domains in it, when that was read
        std::uint64_t domains_bytes = 0;   // that they may come to without being given more
        std::size_t domains = 0;
    };
    void search(const DomainTable& domains, Time now);
    void read_cgroups(const DomainTable& domains, std::size_t row, Known& known, Time now);

    const bool local_;
    MemoryCgroups cgroups_;
    std::unordered_map<DomainKey, Known> known_;
    std::unordered_map<std::string, Charge> charges_;  // by the cgroup's folder
    std::uint64_t pass_ = 0;
};

// What QEMU needs beside the guest's memory: by its configuration, or, where that is more, what it
// is seen to hold beyond what the guest keeps.
std::uint64_t qemu_overhead_bytes(const DomainFacts& facts, std::uint64_t total_bytes,
                                  std::uint64_t kept_bytes, std::uint64_t resident_bytes) noexcept;

}  // namespace ballast
