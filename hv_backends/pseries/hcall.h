// The hypervisor-call interface of the platform (PAPR), as far as memory lending needs it. Numbers
// are the platform's own.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace ballast::pseries {

// What an hcall answers.
enum class HvStatus : std::int64_t {
    success = 0,
    busy = 1,  // try again now
    long_busy_1_msec = 9900,
    long_busy_10_msec = 9901,
    long_busy_100_msec = 9902,
    long_busy_1_sec = 9903,
    long_busy_10_sec = 9904,
    long_busy_100_sec = 9905,
    hardware = -1,
    function = -2,  // this hypervisor has no such hcall
    privilege = -3,
    parameter = -4,
    not_found = -7,
    no_mem = -9,
    authority = -10,
    resource = -16,  // the pool has no memory left
};

// "H_SUCCESS", "H_LONG_BUSY_ORDER_10_MSEC", ...
std::string_view to_string(HvStatus status) noexcept;
std::optional<HvStatus> hv_status_from(std::string_view name) noexcept;

// How long the hypervisor suggests to wait; nullopt if `status` is no long-busy answer.
std::optional<Duration> long_busy_hint(HvStatus status) noexcept;

// H_PAGE_INIT works on CMO pages of this size, whatever the size of the kernel's own.
inline constexpr std::uint64_t kCmoPageBytes = 4096;

// Flags of H_PAGE_INIT: the platform counts bits from the most significant, bit 0.
constexpr std::uint64_t papr_bit(unsigned bit) noexcept {
    return std::uint64_t{1} << (63U - bit);
}
inline constexpr std::uint64_t kPageSetActive = papr_bit(28);
inline constexpr std::uint64_t kPageSetUnused = kPageSetActive | papr_bit(29) | papr_bit(30);
inline constexpr std::uint64_t kPageSetLoaned = kPageSetUnused | papr_bit(31);

// What H_GET_MPP answers; names as in the kernel's hvcall_mpp_data. Sizes in bytes.
struct MppData {
    std::uint64_t entitled_mem = 0;  // what the partition is entitled to
    std::uint64_t mapped_mem = 0;    // of its entitlement, what it has in use
    std::uint16_t group_num = 0;
    std::uint16_t pool_num = 0;
    std::uint8_t mem_weight = 0;
    std::uint8_t unallocated_mem_weight = 0;    // of its group
    std::uint64_t unallocated_entitlement = 0;  // of the pool, promised to nobody
    std::uint64_t pool_size = 0;
    std::int64_t loan_request = 0;  // > 0 lend more, < 0 take back
    std::uint64_t backing_mem = 0;  // physical memory behind the partition now
};

}  // namespace ballast::pseries
