// The simulated hypervisor: one pool of memory, the partitions that live in it, and their hcalls.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hv_backends/pseries/faults.h"
#include "hv_backends/pseries/hcall.h"
#include "hv_backends/pseries/pool_share.h"

namespace ballast::pseries {

struct PartitionSpec {
    std::string name;
    std::uint64_t memory_bytes = 0;
    std::uint64_t block_bytes =
        0;  // unit in which memory comes and goes; a power of two, at least a CMO page
    std::uint64_t entitled_bytes = 0;
    std::uint8_t weight = 0;
};

// The unsigned number of a partition, given in the order of add_partition().
using PartitionId = std::uint32_t;

// One thread. The pool's memory is always accounted for: what backs partitions and what is free sum
// up to its size. A partition with less backing than active memory is paged by the hypervisor; it
// gets the rest as soon as others lend. Sizes in bytes.
class Hypervisor {
  public:
    // `faults` outlives the hypervisor. The reserve is kept out of reach of everything but
    // set-active.
    Hypervisor(std::uint64_t pool_bytes, std::uint64_t reserve_bytes, Faults& faults);

    // A new partition, switched off.
    PartitionId add_partition(PartitionSpec spec);
    // Starts with all of its memory active, backed as far as the pool reaches at the next
    // balance().
    void power_on(PartitionId id);
    // All that backed it returns to the pool.
    void power_off(PartitionId id);

    // Memory blocks leave (no CMO page in them loaned; false otherwise) and come. A block beyond
    // the partition's memory extends it.
    bool release_block(PartitionId id, std::uint32_t block);
    void assign_block(PartitionId id, std::uint32_t block);

    // What the hypervisor measures of a partition's need.
    void set_in_use(PartitionId id, std::uint64_t bytes) noexcept;
    // A loan in total that an administrator wants, instead of the one worked out from the pool.
    void set_wanted_loan(PartitionId id, std::optional<std::uint64_t> bytes) noexcept;

    // Backs what is still unbacked, and works out the loans. Linear in partitions; once per tick.
    void balance();

    // Hcalls. `out` is written on H_SUCCESS only.
    HvStatus get_mpp(PartitionId id, MppData& out);
    // `address` is the partition's real address of a CMO page. Another answer than H_SUCCESS means
    // that nothing changed; setting a state twice is no error. H_RESOURCE: set-active found the
    // pool dry.
    HvStatus page_init(PartitionId id, std::uint64_t flags, std::uint64_t address);

    std::uint64_t pool_bytes() const noexcept { return pool_bytes_; }
    std::uint64_t free_bytes() const noexcept { return free_bytes_; }
    std::uint64_t loaned_bytes(PartitionId id) const noexcept;
    std::uint64_t backing_bytes(PartitionId id) const noexcept;
    bool is_loaned(PartitionId id, std::uint64_t address) const noexcept;
    // State changes that H_PAGE_INIT was asked for and that were already so.
    std::uint64_t redundant_page_inits() const noexcept { return redundant_; }

    // The first broken invariant of the accounting, counted anew from the page states; empty if all
    // hold. Slow: for tests.
    std::string audit() const;

  private:
    struct Block {
        std::uint64_t bytes = 0;
        bool assigned = false;
        std::vector<std::uint64_t> loaned;  // a bit per CMO page; empty = none loaned
    };
    struct Partition {
        PartitionSpec spec;
        unsigned block_shift = 0;  // log2 of block_bytes
        bool on = false;
        std::uint64_t memory_bytes = 0;   // assigned
        std::uint64_t loaned_bytes = 0;   // of memory_bytes
        std::uint64_t backing_bytes = 0;  // <= memory_bytes - loaned_bytes
        std::uint64_t in_use_bytes = 0;
        std::uint64_t loan_bytes = 0;  // what balance() worked out
        std::optional<std::uint64_t> wanted_loan;
        std::vector<Block> blocks;

        std::uint64_t unbacked_bytes() const noexcept {
            return memory_bytes - loaned_bytes - backing_bytes;
        }
    };

    // Memory that has left frees its backing, as far as it was backed.
    void shrink_backing(Partition& partition) noexcept;
    void back_the_unbacked() noexcept;
    // The block of a CMO page that belongs to the partition, else nullptr; `bit` is the page in it.
    static Block* find(Partition& partition, std::uint64_t address, std::size_t& bit) noexcept;

    std::uint64_t pool_bytes_;
    std::uint64_t reserve_bytes_;
    std::uint64_t free_bytes_;
    std::uint64_t entitled_bytes_ = 0;  // of those that are on
    std::uint64_t weights_ = 0;         // of those that are on
    std::uint64_t redundant_ = 0;
    Faults& faults_;
    std::vector<Partition> partitions_;
    std::vector<PoolMember> members_;   // scratch of balance()
    std::vector<std::uint64_t> loans_;  // scratch of balance()
};

}  // namespace ballast::pseries
