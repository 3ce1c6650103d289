#include "hv_backends/pseries/partition.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ballast::pseries {
namespace {

// The kernel's allocator leaves about this much free rather than lend it.
constexpr std::uint64_t kLowWatermarkBytes = 4 * kMiB;

GuestSpec guest_spec(const ScenarioDomain& spec) {
    GuestSpec guest;
    guest.page_shift = spec.page_bytes == 4096 ? 12 : 16;
    guest.pages = static_cast<std::uint32_t>(spec.memory_bytes >> guest.page_shift);
    guest.block_pages = static_cast<std::uint32_t>(spec.memory_block_bytes >> guest.page_shift);
    guest.movable_pages = guest.pages / 2;
    guest.reserve_pages = static_cast<std::uint32_t>(
        std::min(kLowWatermarkBytes, spec.memory_bytes / 64) >> guest.page_shift);
    return guest;
}

}  // namespace

Partition::Partition(const ScenarioDomain& spec, std::string name, PartitionId id,
                     Hypervisor& hypervisor, Faults& faults, bool hypervisor_calls)
    : id_(id),
      hypervisor_(hypervisor),
      hypervisor_calls_(hypervisor_calls),
      guest_(guest_spec(spec)),
      balloon_(hypervisor, id, guest_, faults, std::move(name), hypervisor_calls) {
    hypervisor_.power_on(id_);
}

std::uint64_t Partition::run_out_of_memory() {
    return balloon_.deflate(oom_release_pages_).pages;
}

std::uint64_t Partition::use(std::uint64_t wanted_bytes) {
    const std::uint64_t wanted = pages(wanted_bytes);
    if (wanted <= guest_.used_pages()) {
        guest_.shrink_used(guest_.used_pages() - wanted);
        return 0;
    }
    std::uint64_t freed = 0;
    while (guest_.used_pages() < wanted) {
        guest_.grow_used(wanted - guest_.used_pages());
        if (guest_.used_pages() == wanted) break;
        const std::uint64_t more = run_out_of_memory();
        if (more == 0) break;  // nothing left to take back: the programs do without
        freed += more;
    }
    return freed;
}

void Partition::begin_removal(std::uint64_t removed_bytes) {
    removing_ = true;
    const auto blocks = guest_.begin_offline(pages(removed_bytes));
    leaving_.insert(leaving_.end(), blocks.begin(), blocks.end());
}

std::uint64_t Partition::finish_removal() {
    std::uint64_t removed = 0;
    for (const std::uint32_t block : std::exchange(leaving_, {})) {
        // Offlining moves what is in the block elsewhere: programs' pages and, through the driver,
        // lent ones.
        guest_.move_used_out(block);
        balloon_.migrate(guest_.held_in(block));
        if (guest_.is_empty(block) && hypervisor_.release_block(id_, block)) {
            removed += guest_.block_size(block);
            guest_.finish_offline(block);
        } else {
            guest_.cancel_offline(block);
        }
    }
    removing_ = false;
    return bytes(removed);
}

void Partition::cancel_removal() {
    for (const std::uint32_t block : std::exchange(leaving_, {})) guest_.cancel_offline(block);
    removing_ = false;
}

std::uint64_t Partition::add_memory(std::uint64_t added_bytes) {
    std::uint64_t added = 0;
    for (const std::uint32_t block : guest_.add_memory(pages(added_bytes))) {
        hypervisor_.assign_block(id_, block);
        added += guest_.block_size(block);
    }
    return bytes(added);
}

std::string Partition::audit() const {
    if (std::string broken = guest_.audit(); !broken.empty()) return broken;
    const std::uint64_t lent = balloon_.loaned_pages();
    const std::uint64_t held_bytes = hypervisor_calls_ ? bytes(lent) : 0;
    if (balloon_.limbo_pages() == 0 && hypervisor_.loaned_bytes(id_) != held_bytes) {
        return fmt::format("the guest lent {} bytes, the hypervisor holds {}, expected {}",
                           bytes(lent), hypervisor_.loaned_bytes(id_), held_bytes);
    }
    if (guest_.held_pages() != lent + balloon_.limbo_pages()) {
        return fmt::format("the driver holds {} pages, {} lent and {} in limbo",
                           guest_.held_pages(), lent, balloon_.limbo_pages());
    }
    if (guest_.managed_pages() + lent != guest_.online_pages()) {
        return fmt::format("{} managed + {} lent pages are not the {} online",
                           guest_.managed_pages(), lent, guest_.online_pages());
    }
    return {};
}

}  // namespace ballast::pseries
