#include "hv_backends/pseries/guest.h"

#include <fmt/format.h>

#include <algorithm>

namespace ballast::pseries {
namespace {

constexpr std::uint32_t kWordBits = 64;

}  // namespace

Guest::Guest(const GuestSpec& spec) : spec_(spec) {
    const std::uint32_t normal_pages = spec.pages - std::min(spec.pages, spec.movable_pages);
    for (std::uint32_t at = 0; at < spec.pages;) {
        Block block;
        // Where the memory is no multiple of the block, the first is the smaller one.
        const std::uint32_t odd = (spec.pages - at) % spec.block_pages;
        block.pages = odd != 0 ? odd : spec.block_pages;
        // Block 0 is the kernel's own: never movable.
        block.zone = at == 0 || at < normal_pages ? Zone::normal : Zone::movable;
        at += block.pages;
        managed_[static_cast<std::size_t>(block.zone)] += block.pages;
        online_ += block.pages;
        blocks_.push_back(block);
    }
    free_ = online_;
}

void Guest::adjust_managed(Pfn pfn, int by) noexcept {
    managed_[static_cast<std::size_t>(zone_of(pfn))] += static_cast<std::uint64_t>(by);
}

bool Guest::is_held(Pfn pfn) const noexcept {
    if (pfn / kWordBits >= held_bits_.size()) return false;
    return ((held_bits_[pfn / kWordBits] >> (pfn % kWordBits)) & 1U) != 0;
}

void Guest::look_from(Pfn pfn) noexcept {
    Pfn& from = scan_from_[static_cast<std::size_t>(zone_of(pfn))];
    from = std::min(from, pfn);
}

std::optional<Pfn> Guest::take_page(Reserve reserve) {
    const std::uint64_t keep = reserve == Reserve::keep ? spec_.reserve_pages : 0;
    if (free_ <= keep) return std::nullopt;
    const auto pfn = take_in(Zone::movable);
    return pfn ? pfn : take_in(Zone::normal);
}

std::optional<Pfn> Guest::take_in(Zone zone) {
    Pfn& from = scan_from_[static_cast<std::size_t>(zone)];
    for (auto index = from / spec_.block_pages; index < blocks_.size(); ++index) {
        Block& block = blocks_[index];
        const Pfn start = index * spec_.block_pages;
        from = std::max(from, start);
        if (block.zone != zone || block.free() == 0) continue;
        if (held_bits_.empty())
            held_bits_.resize((blocks_.size() * std::uint64_t{spec_.block_pages} + kWordBits - 1) /
                              kWordBits);
        for (Pfn pfn = from; pfn < start + block.pages;) {
            const std::uint64_t open = ~held_bits_[pfn / kWordBits] >> (pfn % kWordBits);
            if (open == 0) {
                pfn = (pfn / kWordBits + 1) * kWordBits;
                continue;
            }
            pfn += static_cast<Pfn>(__builtin_ctzll(open));
            if (pfn >= start + block.pages) break;
            held_bits_[pfn / kWordBits] |= std::uint64_t{1} << (pfn % kWordBits);
            ++block.held;
            ++held_;
            --free_;
            from = pfn + 1;
            return pfn;
        }
    }
    return std::nullopt;
}

void Guest::put_page(Pfn pfn) {
    Block& block = blocks_[pfn / spec_.block_pages];
    held_bits_[pfn / kWordBits] &= ~(std::uint64_t{1} << (pfn % kWordBits));
    --block.held;
    --held_;
    if (block.state != State::online) return;
    ++free_;
    look_from(pfn);
}

std::uint64_t Guest::grow_used(std::uint64_t pages) {
    return place_used(pages, spec_.reserve_pages);
}

std::uint64_t Guest::place_used(std::uint64_t pages, std::uint64_t keep_free) {
    const std::uint64_t can = free_ > keep_free ? std::min(free_ - keep_free, pages) : 0;
    std::uint64_t left = can;
    for (std::size_t tried = 0; left > 0 && tried <= blocks_.size(); ++tried) {
        Block& block = blocks_[used_cursor_];
        const auto add = static_cast<std::uint32_t>(std::min<std::uint64_t>(block.free(), left));
        block.used += add;
        left -= add;
        if (left > 0)
            used_cursor_ = static_cast<std::uint32_t>((used_cursor_ + 1) % blocks_.size());
    }
    used_ += can - left;
    free_ -= can - left;
    return can - left;
}

void Guest::shrink_used(std::uint64_t pages) {
    std::uint64_t left = std::min(pages, used_);
    used_ -= left;
    while (left > 0) {
        Block& block = blocks_[used_cursor_];
        const auto drop = static_cast<std::uint32_t>(std::min<std::uint64_t>(block.used, left));
        block.used -= drop;
        left -= drop;
        if (drop > 0 && block.state == State::online) {
            free_ += drop;
            look_from(used_cursor_ * spec_.block_pages);
        }
        if (left > 0)
            used_cursor_ = used_cursor_ == 0 ? static_cast<std::uint32_t>(blocks_.size() - 1)
                                             : used_cursor_ - 1;
    }
}

std::vector<std::uint32_t> Guest::begin_offline(std::uint64_t pages) {
    std::vector<std::uint32_t> leaving;
    std::uint64_t found = 0;
    for (auto index = static_cast<std::uint32_t>(blocks_.size()); index-- > 1 && found < pages;) {
        Block& block = blocks_[index];
        if (block.state != State::online) continue;
        free_ -= block.free();
        block.state = State::leaving;
        found += block.pages;
        leaving.push_back(index);
    }
    return leaving;
}

bool Guest::move_used_out(std::uint32_t index) {
    Block& block = blocks_[index];
    const auto moved = static_cast<std::uint32_t>(place_used(block.used, 0));
    block.used -= moved;
    used_ -= moved;
    return block.used == 0;
}

std::vector<Pfn> Guest::held_in(std::uint32_t index) const {
    std::vector<Pfn> pfns;
    const Pfn start = index * spec_.block_pages;
    for (Pfn pfn = start; pfns.size() < blocks_[index].held; ++pfn)
        if (is_held(pfn)) pfns.push_back(pfn);
    return pfns;
}

bool Guest::is_empty(std::uint32_t index) const noexcept {
    return blocks_[index].used == 0 && blocks_[index].held == 0;
}

void Guest::finish_offline(std::uint32_t index) {
    Block& block = blocks_[index];
    block.state = State::offline;
    managed_[static_cast<std::size_t>(block.zone)] -= block.pages;
    online_ -= block.pages;
}

void Guest::cancel_offline(std::uint32_t index) {
    Block& block = blocks_[index];
    block.state = State::online;
    free_ += block.free();
    look_from(index * spec_.block_pages);
}

std::vector<std::uint32_t> Guest::add_memory(std::uint64_t pages) {
    std::vector<std::uint32_t> added;
    std::uint64_t found = 0;
    for (std::uint32_t index = 0; found < pages; ++index) {
        if (index == blocks_.size()) {
            Block block;
            block.pages = spec_.block_pages;
            block.zone = Zone::movable;
            block.state = State::offline;
            blocks_.push_back(block);
        }
        Block& block = blocks_[index];
        if (block.state != State::offline) continue;
        block.state = State::online;
        managed_[static_cast<std::size_t>(block.zone)] += block.pages;
        online_ += block.pages;
        free_ += block.free();
        look_from(index * spec_.block_pages);
        found += block.pages;
        added.push_back(index);
    }
    if (!held_bits_.empty())
        held_bits_.resize((blocks_.size() * std::uint64_t{spec_.block_pages} + kWordBits - 1) /
                          kWordBits);
    return added;
}

std::string Guest::audit() const {
    std::uint64_t used = 0;
    std::uint64_t held = 0;
    std::uint64_t online = 0;
    std::uint64_t free = 0;
    for (std::uint32_t index = 0; index < blocks_.size(); ++index) {
        const Block& block = blocks_[index];
        std::uint32_t bits = 0;
        for (std::uint32_t i = 0; i < block.pages; ++i)
            bits += is_held(index * spec_.block_pages + i) ? 1 : 0;
        if (bits != block.held || block.used + block.held > block.pages)
            return fmt::format("block {}: {} pages, {} used, {} held, {} marked held", index,
                               block.pages, block.used, block.held, bits);
        if (block.state == State::offline && !is_empty(index))
            return fmt::format("block {} is offline and not empty", index);
        used += block.used;
        held += block.held;
        free += block.free();
        if (block.state != State::offline) online += block.pages;
    }
    if (used != used_ || held != held_ || online != online_ || free != free_)
        return fmt::format("counted {} used, {} held, {} online, {} free; accounted {}, {}, {}, {}",
                           used, held, online, free, used_, held_, online_, free_);
    return {};
}

}  // namespace ballast::pseries
