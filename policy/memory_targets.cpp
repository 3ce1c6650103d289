#include "policy/memory_targets.h"

#include <algorithm>
#include <limits>

namespace ballast {
namespace {

constexpr std::uint64_t most_bytes = std::numeric_limits<std::int64_t>::max();

}  // namespace

std::optional<double> host_free_bytes(const Observation& seen, const PolicyInputs& inputs) {
    if (seen.host.available_bytes == kUnknownBytes) return std::nullopt;
    return static_cast<double>(less(seen.host.available_bytes, inputs.host_reserve_bytes));
}

std::optional<double> guest_used_bytes(const DomainTable& domains, std::size_t row) {
    const std::uint64_t kept = kept_bytes(domains, row);
    std::uint64_t idle = domains.usable_bytes[row];
    if (idle == kUnknownBytes) {
        idle = domains.unused_bytes[row];
        if (idle == kUnknownBytes) return std::nullopt;
        const std::uint64_t cache = domains.cache_bytes[row];
        if (cache != kUnknownBytes) idle += std::min(cache, less(kept, idle));
    }
    return static_cast<double>(less(kept, idle));
}

std::int64_t request_to_lend(const DomainTable& domains, std::size_t row,
                             std::uint64_t loan_bytes) {
    const std::uint64_t page_mask = (std::uint64_t{1} << domains.page_shift[row]) - 1;
    const std::uint64_t pages_bytes = std::min(loan_bytes, most_bytes) & ~page_mask;
    return static_cast<std::int64_t>(pages_bytes) -
           static_cast<std::int64_t>(std::min(domains.loaned_bytes[row], most_bytes));
}

void MemoryTarget::set(double memory_bytes) {
    constexpr double beyond = 9.2e18;
    if (!(memory_bytes > 0)) {
        bytes = 0;
    } else {
        bytes = static_cast<std::uint64_t>(std::min(memory_bytes, beyond));
    }
}

void write_requests(const DomainTable& domains, const PolicyInputs& inputs,
                    std::span<MemoryTarget> targets, std::span<std::int64_t> request_bytes) {
    for (std::size_t row = 0; row < domains.size(); ++row) {
        if (is_held(inputs, row)) targets[row] = {};
        if (targets[row].bytes == kUnknownBytes) {
            request_bytes[row] = 0;
            continue;
        }
        request_bytes[row] =
            request_to_lend(domains, row, less(domains.total_bytes[row], targets[row].bytes));
    }
}

}  // namespace ballast
