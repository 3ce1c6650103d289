// How a hypervisor divides its memory pool: what each partition should lend.
#pragma once

#include <cstdint>
#include <vector>

namespace ballast::pseries {

// What the hypervisor knows of one partition. Sizes in bytes.
struct PoolMember {
    std::uint64_t memory_bytes = 0;    // its own, lent or not
    std::uint64_t entitled_bytes = 0;  // guaranteed as long as it is in use
    std::uint64_t in_use_bytes = 0;    // what it needs now
    std::uint32_t weight = 0;          // 0..255
    bool fixed = false;                // lends `fixed_loan_bytes`, whatever the pool looks like
    std::uint64_t fixed_loan_bytes = 0;
};

// Writes into `loans` what each member should lend in total, so that what they keep fits into
// `capacity_bytes`. Pure and linear. Fixed members come first; then, each round in proportion to
// weight: what is entitled and in use, what is in use with an eighth on top, and the rest. Loans
// are whole MiB, rounded up, never above memory_bytes. Scratch is reused between calls.
void share_pool(std::uint64_t capacity_bytes, const std::vector<PoolMember>& members,
                std::vector<std::uint64_t>& loans);

}  // namespace ballast::pseries
