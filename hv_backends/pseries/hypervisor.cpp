#include "hv_backends/pseries/hypervisor.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace ballast::pseries {
namespace {

constexpr std::size_t kLoanedWordBits = 64;
// Weights of a group's partitions are shares of this.
constexpr std::uint64_t kGroupWeight = 255;

}  // namespace

Hypervisor::Hypervisor(std::uint64_t pool_bytes, std::uint64_t reserve_bytes, Faults& faults)
    : pool_bytes_(pool_bytes),
      reserve_bytes_(reserve_bytes),
      free_bytes_(pool_bytes),
      faults_(faults) {}

PartitionId Hypervisor::add_partition(PartitionSpec spec) {
    Partition partition;
    // Where the memory is no multiple of the block, the first is the smaller one: it never leaves.
    for (std::uint64_t left = spec.memory_bytes; left > 0;) {
        Block block;
        const std::uint64_t odd = left % spec.block_bytes;
        block.bytes = odd != 0 ? odd : spec.block_bytes;
        left -= block.bytes;
        partition.blocks.push_back(std::move(block));
    }
    partition.block_shift = static_cast<unsigned>(std::countr_zero(spec.block_bytes));
    partition.spec = std::move(spec);
    partitions_.push_back(std::move(partition));
    return static_cast<PartitionId>(partitions_.size() - 1);
}

void Hypervisor::power_on(PartitionId id) {
    Partition& partition = partitions_[id];
    if (partition.on) return;
    partition.on = true;
    entitled_bytes_ += partition.spec.entitled_bytes;
    weights_ += partition.spec.weight;
    for (Block& block : partition.blocks) {
        block.assigned = partition.memory_bytes < partition.spec.memory_bytes;
        block.loaned.clear();
        if (block.assigned) partition.memory_bytes += block.bytes;
    }
}

void Hypervisor::power_off(PartitionId id) {
    Partition& partition = partitions_[id];
    if (!partition.on) return;
    partition.on = false;
    entitled_bytes_ -= partition.spec.entitled_bytes;
    weights_ -= partition.spec.weight;
    free_bytes_ += std::exchange(partition.backing_bytes, 0);
    partition.memory_bytes = partition.loaned_bytes = partition.in_use_bytes = 0;
}

void Hypervisor::shrink_backing(Partition& partition) noexcept {
    const std::uint64_t active = partition.memory_bytes - partition.loaned_bytes;
    if (partition.backing_bytes <= active) return;
    free_bytes_ += partition.backing_bytes - active;
    partition.backing_bytes = active;
}

bool Hypervisor::release_block(PartitionId id, std::uint32_t block) {
    Partition& partition = partitions_[id];
    if (block >= partition.blocks.size() || !partition.blocks[block].assigned) return false;
    const auto& bits = partition.blocks[block].loaned;
    if (std::any_of(bits.begin(), bits.end(), [](std::uint64_t word) { return word != 0; }))
        return false;
    partition.blocks[block].assigned = false;
    partition.memory_bytes -= partition.blocks[block].bytes;
    shrink_backing(partition);
    return true;
}

void Hypervisor::assign_block(PartitionId id, std::uint32_t block) {
    Partition& partition = partitions_[id];
    while (partition.blocks.size() <= block) {
        Block added;
        added.bytes = partition.spec.block_bytes;
        partition.blocks.push_back(std::move(added));
    }
    if (partition.blocks[block].assigned) return;
    partition.blocks[block].assigned = true;
    partition.memory_bytes += partition.blocks[block].bytes;
}

void Hypervisor::set_in_use(PartitionId id, std::uint64_t bytes) noexcept {
    partitions_[id].in_use_bytes = bytes;
}

void Hypervisor::set_wanted_loan(PartitionId id, std::optional<std::uint64_t> bytes) noexcept {
    partitions_[id].wanted_loan = bytes;
}

// In proportion to what each lacks, in whole CMO pages.
void Hypervisor::back_the_unbacked() noexcept {
    if (free_bytes_ <= reserve_bytes_) return;
    std::uint64_t lacking = 0;
    for (const Partition& partition : partitions_) lacking += partition.unbacked_bytes();
    if (lacking == 0) return;
    const std::uint64_t available = std::min(free_bytes_ - reserve_bytes_, lacking);
    for (Partition& partition : partitions_) {
        using Wide = unsigned __int128;
        const auto share =
            static_cast<std::uint64_t>(Wide{available} * partition.unbacked_bytes() / lacking) /
            kCmoPageBytes * kCmoPageBytes;
        partition.backing_bytes += share;
        free_bytes_ -= share;
    }
}

void Hypervisor::balance() {
    back_the_unbacked();
    members_.resize(partitions_.size());
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
        const Partition& partition = partitions_[i];
        PoolMember& member = members_[i];
        member.memory_bytes = partition.memory_bytes;
        member.entitled_bytes = partition.spec.entitled_bytes;
        member.in_use_bytes = partition.in_use_bytes;
        member.weight = partition.spec.weight;
        member.fixed = partition.wanted_loan.has_value();
        member.fixed_loan_bytes = partition.wanted_loan.value_or(0);
    }
    share_pool(pool_bytes_ - std::min(pool_bytes_, reserve_bytes_), members_, loans_);
    for (std::size_t i = 0; i < partitions_.size(); ++i) {
        Partition& partition = partitions_[i];
        // What an administrator wants is passed on as it is, also beyond the partition's memory.
        partition.loan_bytes = partition.wanted_loan.value_or(loans_[i]);
    }
}

HvStatus Hypervisor::get_mpp(PartitionId id, MppData& out) {
    if (id >= partitions_.size() || !partitions_[id].on) return HvStatus::not_found;
    const Partition& partition = partitions_[id];
    const HvStatus injected = faults_.answer(Call::get_mpp, partition.spec.name);
    if (injected != HvStatus::success) return injected;
    out.entitled_mem = partition.spec.entitled_bytes;
    out.mapped_mem = std::min(partition.in_use_bytes, partition.spec.entitled_bytes);
    out.group_num = 0;
    out.pool_num = 0;
    out.mem_weight = partition.spec.weight;
    out.unallocated_mem_weight =
        static_cast<std::uint8_t>(kGroupWeight - std::min(kGroupWeight, weights_));
    out.unallocated_entitlement = pool_bytes_ - std::min(pool_bytes_, entitled_bytes_);
    out.pool_size = pool_bytes_;
    out.loan_request = static_cast<std::int64_t>(partition.loan_bytes) -
                       static_cast<std::int64_t>(partition.loaned_bytes);
    out.backing_mem = partition.backing_bytes;
    return HvStatus::success;
}

inline Hypervisor::Block* Hypervisor::find(Partition& partition, std::uint64_t address,
                                           std::size_t& bit) noexcept {
    const std::uint64_t index = address >> partition.block_shift;
    const std::uint64_t offset = address & (partition.spec.block_bytes - 1);
    if (!partition.on || address % kCmoPageBytes != 0 || index >= partition.blocks.size())
        return nullptr;
    Block& block = partition.blocks[index];
    if (!block.assigned || offset >= block.bytes) return nullptr;
    bit = static_cast<std::size_t>(offset / kCmoPageBytes);
    return &block;
}

HvStatus Hypervisor::page_init(PartitionId id, std::uint64_t flags, std::uint64_t address) {
    const bool loan = flags == kPageSetLoaned;
    if ((!loan && flags != kPageSetActive) || id >= partitions_.size()) return HvStatus::parameter;
    Partition& partition = partitions_[id];
    const HvStatus injected =
        faults_.answer(loan ? Call::page_init_loaned : Call::page_init_active, partition.spec.name);
    if (injected != HvStatus::success) return injected;
    std::size_t bit = 0;
    Block* const block = find(partition, address, bit);
    if (block == nullptr) return HvStatus::parameter;
    if (block->loaned.empty()) [[unlikely]]
        block->loaned.resize((block->bytes / kCmoPageBytes + kLoanedWordBits - 1) /
                             kLoanedWordBits);
    std::uint64_t& word = block->loaned[bit / kLoanedWordBits];
    const std::uint64_t mask = std::uint64_t{1} << (bit % kLoanedWordBits);
    if (((word & mask) != 0) == loan) {
        ++redundant_;
        return HvStatus::success;
    }
    if (loan) {
        // A backed page is lent before an unbacked one, so that undoing it finds its memory again.
        partition.loaned_bytes += kCmoPageBytes;
        const std::uint64_t freed = std::min(partition.backing_bytes, kCmoPageBytes);
        partition.backing_bytes -= freed;
        free_bytes_ += freed;
    } else {
        if (free_bytes_ < kCmoPageBytes) return HvStatus::resource;
        partition.loaned_bytes -= kCmoPageBytes;
        partition.backing_bytes += kCmoPageBytes;
        free_bytes_ -= kCmoPageBytes;
    }
    word ^= mask;
    return HvStatus::success;
}

std::uint64_t Hypervisor::loaned_bytes(PartitionId id) const noexcept {
    return partitions_[id].loaned_bytes;
}

std::uint64_t Hypervisor::backing_bytes(PartitionId id) const noexcept {
    return partitions_[id].backing_bytes;
}

bool Hypervisor::is_loaned(PartitionId id, std::uint64_t address) const noexcept {
    const Partition& partition = partitions_[id];
    const std::uint64_t index = address / partition.spec.block_bytes;
    if (index >= partition.blocks.size()) return false;
    const Block& block = partition.blocks[index];
    const std::uint64_t bit = address % partition.spec.block_bytes / kCmoPageBytes;
    if (block.loaned.empty() || bit >= block.bytes / kCmoPageBytes) return false;
    return ((block.loaned[bit / kLoanedWordBits] >> (bit % kLoanedWordBits)) & 1U) != 0;
}

std::string Hypervisor::audit() const {
    std::uint64_t backed = 0;
    for (const Partition& partition : partitions_) {
        std::uint64_t memory = 0;
        std::uint64_t loaned = 0;
        for (const Block& block : partition.blocks) {
            std::uint64_t in_block = 0;
            for (const std::uint64_t word : block.loaned)
                in_block += static_cast<std::uint64_t>(__builtin_popcountll(word)) * kCmoPageBytes;
            if (!partition.on) continue;
            if (block.assigned) memory += block.bytes;
            if (!block.assigned && in_block != 0)
                return fmt::format("{}: a page is loaned in a block that left",
                                   partition.spec.name);
            loaned += in_block;
        }
        if (memory != partition.memory_bytes || loaned != partition.loaned_bytes)
            return fmt::format("{}: {} of {} bytes are loaned, accounted {} of {}",
                               partition.spec.name, loaned, memory, partition.loaned_bytes,
                               partition.memory_bytes);
        if (partition.backing_bytes > memory - loaned)
            return fmt::format("{}: {} bytes back {} active ones", partition.spec.name,
                               partition.backing_bytes, memory - loaned);
        backed += partition.backing_bytes;
    }
    if (backed + free_bytes_ != pool_bytes_)
        return fmt::format("the pool has {} bytes, but {} are used and {} free", pool_bytes_,
                           backed, free_bytes_);
    return {};
}

}  // namespace ballast::pseries
