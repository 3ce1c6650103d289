// What the kernel's log tells of one move of the driver's pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "conform/trace.h"

namespace ballast::conform {

// An OOM whose notifier ran in the middle of a move.
struct InnerOom {
    std::size_t line = 0;  // of "OOM processing started"
    Duration at{};
    std::uint64_t freed_pages = 0;  // by it alone
    // How many pages the move around it had moved by then.
    std::uint64_t after_pages = 0;
};

struct LoggedMove {
    std::uint64_t pages = 0;  // that it went for
    std::uint64_t unfulfilled_pages = 0;
    Duration began_at{};
    Duration ended_at{};
    std::vector<InnerOom> ooms;  // in order
    bool ooms_are_known = true;  // false: the log lacks what some of them freed
    std::uint64_t moved_pages() const noexcept { return pages - unfulfilled_pages; }
    std::uint64_t freed_by_ooms() const noexcept;
};

// The move that begins ("Begin request for" where it `lends`, else "Begin free of") behind entry
// `from`, before the driver's thread wakes up again and not after `latest`. `loaned_pages` is what
// was lent before it; absent: what it goes for is all that was.
//
// Inner "Begin free of ... End request with" pairs are counted, so that each end belongs to the
// last begin that has none yet; an end of more pages than that begin asked for belongs to an outer
// one. At which page an OOM came, the log does not tell. It is worked out from the loan target that
// a sample shows behind the move, since an OOM sets it to what is lent at that moment; where no
// sample does, from the time between begin and end. nullopt: the log has no begin, or no end. Pure.
std::optional<LoggedMove> move_behind(const Trace& trace, std::size_t from, bool lends,
                                      std::optional<std::uint64_t> loaned_pages, Duration latest);

}  // namespace ballast::conform
