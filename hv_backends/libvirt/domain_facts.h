// What a domain's XML says about its memory; read once when a domain comes or changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "model/books.h"
#include "model/domain.h"

namespace ballast {

struct DomainFacts {
    std::uint64_t maximum_bytes = kUnknownBytes;  // <memory>
    bool has_balloon = false;                     // a <memballoon> that is not model='none'
    bool deflate_on_oom = false;                  // autodeflate='on'
    std::uint32_t stats_period_s = 0;             // 0 = no statistics are collected
    // Lending frees nothing on the host: huge pages, locked or encrypted memory, or a device that
    // reaches the guest's memory by DMA.
    bool pinned_memory = false;
    // Devices that libvirt counts as memory of the domain and QEMU's balloon does not: NVDIMMs,
    // virtio-pmem, SGX. None of it can be lent.
    std::uint64_t unballooned_bytes = 0;
    // Its memory comes from pools of huge pages.
    bool huge_pages = false;
    bool emulated = false;    // QEMU emulates its processor
    std::uint64_t vcpus = 1;  // at most
    // The most that its QEMU may use, from <memtune>; kUnknownBytes = no limit.
    std::uint64_t hard_limit_bytes = kUnknownBytes;
    // Of all virtio-mem devices: what <memory> holds for them, what is plugged in, and what is
    // wanted to be.
    std::uint64_t virtio_mem_bytes = 0;
    std::uint64_t virtio_mem_plugged_bytes = 0;
    std::uint64_t virtio_mem_requested_bytes = 0;

    // As in DomainTable: from <numatune>. A preference binds nothing.
    std::uint64_t node_mask = 0;

    std::optional<CarriedBooks> books;  // from its metadata

    friend bool operator==(const DomainFacts&, const DomainFacts&) = default;
};

// Reads a <domain> document. Figures that do not parse are as if absent. Errors: bad_data (not
// XML, or no domain).
Result<DomainFacts> parse_domain_facts(std::string_view xml);

}  // namespace ballast
