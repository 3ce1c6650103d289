// What a request policy sees of a row, and how memory targets become loan requests.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/saturating.h"
#include "policy/policy.h"

namespace ballast {

// What row `row` keeps now.
inline std::uint64_t kept_bytes(const DomainTable& domains, std::size_t row) {
    return less(domains.total_bytes[row], domains.loaned_bytes[row]);
}

// Whether the row is to be left out. Here and below, an input that is not there is harmless.
inline bool is_held(const PolicyInputs& inputs, std::size_t row) {
    return !inputs.held.empty() && inputs.held[row] != 0;
}
inline std::uint64_t least_bytes(const PolicyInputs& inputs, std::size_t row) {
    return inputs.min_mem_bytes.empty() ? 0 : inputs.min_mem_bytes[row];
}
inline std::uint64_t set_bytes(const PolicyInputs& inputs, std::size_t row) {
    return inputs.set_bytes.empty() ? kUnknownBytes : inputs.set_bytes[row];
}
inline double shares_of(const PolicyInputs& inputs, std::size_t row) {
    return inputs.shares.empty() ? 1000 : inputs.shares[row];
}

// Of the host's available memory, what may be handed out; nullopt: nobody knows.
std::optional<double> host_free_bytes(const Observation& seen, const PolicyInputs& inputs);

// What the guest really needs: kept, less what it could use at once (MemAvailable; else free memory
// and page cache). Between 0 and kept; nullopt: the guest does not tell.
std::optional<double> guest_used_bytes(const DomainTable& domains, std::size_t row);

// The loan request that leads row `row` to a loan of `loan_bytes`, rounded down to whole pages.
std::int64_t request_to_lend(const DomainTable& domains, std::size_t row, std::uint64_t loan_bytes);

// A memory target that stands until it is changed.
struct MemoryTarget {
    std::uint64_t bytes = kUnknownBytes;  // kUnknownBytes: none

    // Rounds down to bytes; what is not a number or below 0 counts as 0.
    void set(double memory_bytes);
};

// Writes the loan request that leads each row to its target, which is cut to [0, total]; loans are
// whole pages. 0 where there is no target. The target of a row that is held is forgotten.
void write_requests(const DomainTable& domains, const PolicyInputs& inputs,
                    std::span<MemoryTarget> targets, std::span<std::int64_t> request_bytes);

}  // namespace ballast
