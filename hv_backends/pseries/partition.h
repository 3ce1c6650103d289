// One simulated partition: its guest kernel, its balloon, its programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hv_backends/pseries/balloon.h"
#include "model/domain.h"
#include "model/scenario.h"

namespace ballast::pseries {

// One thread. Not movable: its balloon refers to its guest.
class Partition {
  public:
    // All by reference outlive the partition, which is switched on. `hypervisor_calls`: see
    // Balloon.
    Partition(const ScenarioDomain& spec, std::string name, PartitionId id, Hypervisor& hypervisor,
              Faults& faults, bool hypervisor_calls);
    Partition(const Partition&) = delete;
    Partition& operator=(const Partition&) = delete;

    PartitionId id() const noexcept { return id_; }
    std::uint8_t page_shift() const noexcept { return guest_.page_shift(); }
    Guest& guest() noexcept { return guest_; }
    const Guest& guest() const noexcept { return guest_; }
    Balloon& balloon() noexcept { return balloon_; }
    const Balloon& balloon() const noexcept { return balloon_; }
    std::uint64_t bytes(std::uint64_t pages) const noexcept { return pages << guest_.page_shift(); }
    std::uint64_t pages(std::uint64_t bytes_) const noexcept {
        return bytes_ >> guest_.page_shift();
    }

    // What the OOM notifier frees at once (oom_kb).
    void set_oom_release(std::uint64_t release_bytes) noexcept {
        oom_release_pages_ = pages(release_bytes);
    }
    // cmm_oom_notify: takes back what oom_kb says, or what there is. Answers the pages freed.
    std::uint64_t run_out_of_memory();
    // The guest's programs use `wanted_bytes` now. Answers the pages that OOMs had to free for it.
    std::uint64_t use(std::uint64_t wanted_bytes);

    // A memory removal: begins, and ends by taking the blocks out (answers the bytes that left) or
    // by being given up.
    void begin_removal(std::uint64_t removed_bytes);
    std::uint64_t finish_removal();
    void cancel_removal();
    std::uint64_t add_memory(std::uint64_t added_bytes);
    bool removal_running() const noexcept { return removing_; }

    // The first broken invariant; empty if all hold. Slow: for tests.
    std::string audit() const;

  private:
    PartitionId id_;
    Hypervisor& hypervisor_;
    bool hypervisor_calls_;
    Guest guest_;
    Balloon balloon_;
    std::uint64_t oom_release_pages_ = 0;
    std::vector<std::uint32_t> leaving_;
    bool removing_ = false;
};

}  // namespace ballast::pseries
