// How much domains can lend without feeling it, and how a need is spread over them.
#pragma once

#include <cstdint>
#include <span>

namespace ballast {

struct LenderFigures {
    std::uint64_t total_bytes = 0;
    std::uint64_t loaned_bytes = 0;  // or on its way to that
    std::uint64_t usable_bytes = 0;  // kUnknownBytes where not told
    std::uint64_t min_mem_bytes = 0;
    std::uint64_t oom_freed_bytes = 0;  // never asked for again
    std::uint64_t borrowed_bytes = 0;   // of loaned_bytes, what it could use as well before
    std::uint64_t keep_free_bytes = 0;  // what it must be able to use afterwards
};

// Pure. Bytes beyond what it lends: of what it could use before it lent any of this, a quarter at
// least and keep_free_bytes stay with it. 0 where nothing is known of its need.
std::uint64_t can_lend(const LenderFigures& guest) noexcept;

// Pure. Takes `need_bytes` from `lendable_bytes` in proportion, each share in whole `unit_bytes` (a
// power of two) and never above what can be lent; `shares_bytes` is as long. All together is less
// than one unit above the need. Returns what nobody could give.
std::uint64_t spread(std::uint64_t need_bytes, std::span<const std::uint64_t> lendable_bytes,
                     std::uint64_t unit_bytes, std::span<std::uint64_t> shares_bytes) noexcept;

}  // namespace ballast
