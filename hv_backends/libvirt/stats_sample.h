// One record of libvirt's bulk statistics, turned into figures the controller can use.
#pragma once

#include <libvirt/libvirt.h>

#include <cstdint>

#include "hv_backends/libvirt/domain_facts.h"
#include "model/domain.h"

namespace ballast {

// As told; kUnknownBytes where absent. Names follow the fields of virConnectGetAllDomainStats.
struct StatsSample {
    int state = VIR_DOMAIN_NOSTATE;
    int reason = 0;
    std::uint64_t current_kib = kUnknownBytes;  // what the guest keeps; the guest writes it
    std::uint64_t maximum_kib = kUnknownBytes;
    std::uint64_t unused_kib = kUnknownBytes;
    std::uint64_t usable_kib = kUnknownBytes;
    std::uint64_t available_kib = kUnknownBytes;  // what its kernel manages
    std::uint64_t rss_kib = kUnknownBytes;        // of its QEMU
    std::uint64_t cache_kib = kUnknownBytes;      // could be dropped
    std::uint64_t major_faults = kUnknownBytes;   // since it started
    std::uint64_t swapped_in_kib = kUnknownBytes;
    std::uint64_t swapped_out_kib = kUnknownBytes;
    std::uint64_t last_update_s = 0;  // when the guest last sent statistics; 0 = never

    bool running() const noexcept;
};

// Fields of other names or types are passed over.
StatsSample read_sample(const virTypedParameter* parameters, int count) noexcept;

// Whether the guest's figures can be true together: it has some memory, no more than the domain,
// and neither more unused nor more usable than that. Figures that are absent contradict nothing.
bool plausible(const StatsSample& sample, std::uint64_t total_bytes) noexcept;

// Whole bytes, consistent whatever a guest claims: loaned <= total, both whole 4 KiB pages; guest
// figures above the total are unknown.
struct MemoryFigures {
    std::uint64_t total_bytes = 0;
    // What the balloon counts from: all but virtio-mem, NVDIMMs and the like, which it neither
    // counts nor can lend.
    std::uint64_t ballooned_bytes = 0;
    std::uint64_t loaned_bytes = 0;
    std::uint64_t unused_bytes = kUnknownBytes;
    std::uint64_t usable_bytes = kUnknownBytes;
    std::uint64_t cache_bytes = kUnknownBytes;
};
MemoryFigures memory_figures(const StatsSample& sample, const DomainFacts& facts) noexcept;

// How much of `figures.total_bytes` the guest's kernel does not manage, by the guest's own word,
// where that is far more than kernels reserve: DIMMs that it has not put online, or a limit on its
// command line. Otherwise 0, also where the guest does not tell. Wrong while the balloon moves.
std::uint64_t unmanaged_bytes(const StatsSample& sample, const MemoryFigures& figures,
                              bool deflates_on_oom) noexcept;

// paused, saving, crashed, migrating and carried_over, as far as the domain's state tells.
DomainFlags state_flags(const StatsSample& sample) noexcept;

}  // namespace ballast
