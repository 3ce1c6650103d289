// The memory of a simulated guest's kernel: page frames, zones, blocks and the managed page count.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ballast::pseries {

// Page frame number.
using Pfn = std::uint32_t;

enum class Zone : std::uint8_t { normal, movable };

struct GuestSpec {
    std::uint8_t page_shift = 16;
    std::uint32_t pages = 0;
    std::uint32_t block_pages = 256;  // unit of offlining
    std::uint32_t movable_pages = 0;  // at the top, rounded to whole blocks; hot-added ones too
    std::uint32_t reserve_pages = 0;  // ordinary allocations leave so many free (low watermark)
};

// One thread; counts are in pages of 1 << page_shift bytes. A frame is free, used by programs, held
// by the balloon driver, or offline. Held frames have an identity, as the hypervisor needs their
// address; used ones are counted per block, as they can move within it unnoticed.
class Guest {
  public:
    explicit Guest(const GuestSpec& spec);

    std::uint8_t page_shift() const noexcept { return spec_.page_shift; }
    std::uint64_t free_pages() const noexcept { return free_; }  // without blocks that are leaving
    std::uint64_t used_pages() const noexcept { return used_; }
    std::uint64_t held_pages() const noexcept { return held_; }
    std::uint64_t online_pages() const noexcept { return online_; }
    std::uint64_t reserve_pages() const noexcept { return spec_.reserve_pages; }
    // What the kernel counts as its memory (totalram): online pages without those lent.
    std::uint64_t managed_pages() const noexcept { return managed_[0] + managed_[1]; }
    std::uint64_t managed_pages(Zone zone) const noexcept {
        return managed_[static_cast<std::size_t>(zone)];
    }
    // adjust_managed_page_count() for the zone of a frame: +1 or -1.
    void adjust_managed(Pfn pfn, int by) noexcept;
    Zone zone_of(Pfn pfn) const noexcept { return blocks_[pfn / spec_.block_pages].zone; }
    bool is_held(Pfn pfn) const noexcept;

    // A frame for the balloon driver, movable zone first; nullopt if only the reserve is left.
    // Moving a page may dip into the reserve, as its old frame comes free right after.
    enum class Reserve : std::uint8_t { keep, use };
    std::optional<Pfn> take_page(Reserve reserve);
    void put_page(Pfn pfn);

    // Programs take up to `pages` more, down to the reserve; the answer is how many they got.
    std::uint64_t grow_used(std::uint64_t pages);
    void shrink_used(std::uint64_t pages);

    // Offlining, in whole blocks from the top; block 0 always stays. begin: free pages of the
    // blocks cannot be taken any more. Fewer blocks than asked for come back if there are no more.
    std::vector<std::uint32_t> begin_offline(std::uint64_t pages);
    // Moves what programs use in a block elsewhere. False if it does not fit.
    bool move_used_out(std::uint32_t block);
    std::vector<Pfn> held_in(std::uint32_t block) const;
    bool is_empty(std::uint32_t block) const noexcept;
    // The block must be empty.
    void finish_offline(std::uint32_t block);
    void cancel_offline(std::uint32_t block);
    // Blocks that were offline come back, the lowest first, then new ones; rounded up to blocks.
    std::vector<std::uint32_t> add_memory(std::uint64_t pages);
    std::uint32_t block_size(std::uint32_t block) const noexcept { return blocks_[block].pages; }

    // The first broken invariant, counted anew; empty if all hold. Slow: for tests.
    std::string audit() const;

  private:
    enum class State : std::uint8_t { online, leaving, offline };
    struct Block {
        std::uint32_t pages = 0;
        std::uint32_t used = 0;
        std::uint32_t held = 0;
        Zone zone = Zone::normal;
        State state = State::online;
        std::uint32_t idle() const noexcept { return pages - used - held; }
        std::uint32_t free() const noexcept { return state == State::online ? idle() : 0; }
    };
    static constexpr std::size_t kZones = 2;

    std::uint64_t place_used(std::uint64_t pages, std::uint64_t keep_free);
    std::optional<Pfn> take_in(Zone zone);
    // Free pages came into being at or above `pfn`.
    void look_from(Pfn pfn) noexcept;

    GuestSpec spec_;
    std::vector<Block> blocks_;
    std::vector<std::uint64_t> held_bits_;  // a bit per frame; empty until the first is held
    std::array<std::uint64_t, kZones> managed_{};
    std::uint64_t free_ = 0;
    std::uint64_t used_ = 0;
    std::uint64_t held_ = 0;
    std::uint64_t online_ = 0;  // leaving blocks included
    // Below it, no frame of the zone can be taken.
    std::array<Pfn, kZones> scan_from_{};
    std::uint32_t used_cursor_ = 0;  // the block where programs' memory grows and shrinks
};

}  // namespace ballast::pseries
