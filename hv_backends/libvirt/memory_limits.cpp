#include "hv_backends/libvirt/memory_limits.h"

#include <algorithm>

#include "base/saturating.h"
#include "base/units.h"

namespace ballast {
namespace {

constexpr Duration kReadEvery = std::chrono::seconds(10);
// QEMU's own heap, its devices and the video memory.
constexpr std::uint64_t kQemuBytes = 64 * kMiB;
constexpr std::uint64_t kPerVcpuBytes = 8 * kMiB;
// Page tables of the host and of the hypervisor: 8 bytes for each 4 KiB, twice.
constexpr std::uint64_t kPageTableShare = 256;
// Translated code, where QEMU emulates the processor.
constexpr std::uint64_t kEmulationBytes = 96 * kMiB;

std::uint64_t kept_bytes(const DomainTable& domains, std::size_t row) noexcept {
    return less(domains.total_bytes[row], domains.loaned_bytes[row]);
}

std::uint64_t known_or_0(std::uint64_t bytes) noexcept {
    return bytes == kUnknownBytes ? 0 : bytes;
}

// What the domain may come to in its cgroup without being given more. Huge pages are not charged
// there.
std::uint64_t charged_bytes(const DomainTable& domains, std::size_t row,
                            const DomainFacts& facts) noexcept {
    const std::uint64_t resident = known_or_0(domains.resident_bytes[row]);
    if (facts.huge_pages) return resident;
    const std::uint64_t kept = kept_bytes(domains, row);
    return kept + qemu_overhead_bytes(facts, domains.total_bytes[row], kept, resident);
}

}  // namespace

std::uint64_t qemu_overhead_bytes(const DomainFacts& facts, std::uint64_t total_bytes,
                                  std::uint64_t kept_bytes, std::uint64_t resident_bytes) noexcept {
    const std::uint64_t expected = kQemuBytes + facts.vcpus * kPerVcpuBytes +
                                   total_bytes / kPageTableShare +
                                   (facts.emulated ? kEmulationBytes : 0);
    return std::max(expected, less(resident_bytes, kept_bytes));
}

void MemoryLimits::search(const DomainTable& domains, Time now) {
    const bool due = std::any_of(domains.key.begin(), domains.key.end(), [&](const auto& key) {
        const Known& known = known_[key];
        return known.pid == 0 && known.search.due(now);
    });
    if (!due) return;
    const auto qemus = cgroups_.find_qemus();
    for (const DomainKey& key : domains.key) {
        Known& known = known_[key];
        if (known.pid != 0) continue;
        const auto found = qemus.find(key);
        if (found == qemus.end()) {
            known.search.failed(now);
            continue;
        }
        known.search.succeeded();
        known.pid = found->second;
        known.read_at.reset();
    }
}

void MemoryLimits::read_cgroups(const DomainTable& domains, std::size_t row, Known& known,
                                Time now) {
    if (known.pid == 0 || (known.read_at && now - *known.read_at < kReadEvery)) return;
    known.read_at = now;
    known.resident_bytes = known_or_0(domains.resident_bytes[row]);
    known.cgroups.clear();
    if (cgroups_.is_qemu_of(known.pid, domains.key[row]))
        known.cgroups = cgroups_.around(known.pid);
    else
        known.pid = 0;
}

void MemoryLimits::fill(DomainTable& domains, const FactsOf& facts_of, Time now) {
    ++pass_;
    charges_.clear();
    if (local_) search(domains, now);
    for (std::size_t row = 0; row < domains.size(); ++row) {
        Known& known = known_[domains.key[row]];
        known.pass = pass_;
        if (local_) read_cgroups(domains, row, known, now);
        const DomainFacts* const facts = facts_of(row);
        if (facts == nullptr) continue;
        for (const MemoryCgroup& cgroup : known.cgroups) {
            Charge& charge = charges_[cgroup.path];
            charge.limit_bytes = cgroup.limit_bytes;
            charge.used_bytes = std::max(charge.used_bytes, cgroup.used_bytes);
            charge.resident_bytes += known.resident_bytes;
            charge.domains_bytes += charged_bytes(domains, row, *facts);
            ++charge.domains;
        }
    }
    std::erase_if(known_, [this](const auto& one) { return one.second.pass != pass_; });

    for (std::size_t row = 0; row < domains.size(); ++row) {
        domains.limit_bytes[row] = kUnknownBytes;
        const DomainFacts* const facts = facts_of(row);
        if (facts == nullptr || facts->huge_pages) continue;
        const std::uint64_t kept = kept_bytes(domains, row);
        std::uint64_t most = kUnknownBytes;
        for (const MemoryCgroup& cgroup : known_[domains.key[row]].cgroups) {
            const Charge& charge = charges_[cgroup.path];
            // Other processes in it.
            const std::uint64_t others = less(charge.used_bytes, charge.resident_bytes);
            const std::uint64_t taken = others + charge.domains_bytes;
            most = std::min(most, taken <= charge.limit_bytes
                                      ? kept + (charge.limit_bytes - taken) / charge.domains
                                      : less(kept, taken - charge.limit_bytes));
        }
        if (facts->hard_limit_bytes != kUnknownBytes)
            most = std::min(
                most, less(facts->hard_limit_bytes, charged_bytes(domains, row, *facts) - kept));
        const std::uint64_t page = std::uint64_t{1} << domains.page_shift[row];
        if (most < domains.total_bytes[row]) domains.limit_bytes[row] = most & ~(page - 1);
    }
}

}  // namespace ballast
