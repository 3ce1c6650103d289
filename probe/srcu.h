// Sleepable RCU in user space: readers count themselves on their CPU, an updater waits until all
// who might see the old have left. Follows srcu_read_lock, srcu_read_unlock and synchronize_srcu
// of the kernel, with two counters for each CPU and index.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "base/membarrier.h"
#include "base/restartable.h"

namespace ballast::probe {

// The CPU this thread runs on, or ran on just now.
std::uint32_t cpu_hint() noexcept;

// How readers count.
enum class SrcuReaders : std::uint8_t {
    fenced,  // atomic additions, which are full barriers
    fast,    // plain additions in a restartable sequence; the updater's membarrier orders them
};

// The protocol's safeguards. A test takes each away and finds the harm.
struct SrcuSafeguards {
    static constexpr bool barrier_between_sums = true;
    static constexpr bool flips = true;
    static constexpr bool unlocks_before_locks = true;
    static constexpr bool waits_before_flip = true;
    // Where a thread may be held up for any time.
    static void between_index_and_count() noexcept {}
    static void between_sums() noexcept {}
};

// Any number of readers, on any threads, which may sleep and may nest. Updaters wait for one
// another. The fast kind needs restartable sequences: see supported().
template <SrcuReaders readers = SrcuReaders::fenced, class Safeguards = SrcuSafeguards>
class Srcu {
  public:
    Srcu() = default;
    Srcu(const Srcu&) = delete;
    Srcu& operator=(const Srcu&) = delete;

    static bool supported() noexcept {
#ifdef BALLAST_HAVE_RSEQ
        return readers == SrcuReaders::fenced || has_membarrier_rseq();
#else
        return readers == SrcuReaders::fenced;
#endif
    }

    // Answers what read_unlock() wants back, on whichever thread. Never blocks.
    [[nodiscard]] std::uint32_t read_lock() noexcept {
        // Which index is current may change before this is counted: that is why a grace period
        // looks at both.
        const std::uint32_t index = index_.load(std::memory_order_relaxed) & 1U;
        Safeguards::between_index_and_count();
        add<offsetof(CpuSlot, gets)>(index);
        return index;
    }
    void read_unlock(std::uint32_t index) noexcept {
        add<offsetof(CpuSlot, puts)>(index);
    }

    // When it returns, all readers that were inside when it began have left. Blocks. Not from
    // inside a read section.
    void synchronize() {
        const std::lock_guard one(updating_);
        // A full barrier: what the caller took away is away before readers are counted.
        const std::uint32_t current = index_.fetch_add(0, std::memory_order_seq_cst) & 1U;
        // Readers that took the other index before the last flip and were counted after its scan.
        if constexpr (Safeguards::waits_before_flip) wait_until_empty(current ^ 1U);
        if constexpr (Safeguards::flips) {
            index_.fetch_add(1, std::memory_order_seq_cst);
            wait_until_empty(current);
        } else {
            wait_until_empty(current ^ 1U);
        }
    }

  private:
    using Slots = std::array<CpuSlot, cpu_slots>;

    template <std::size_t offset>
    [[gnu::always_inline]] void add(std::uint32_t index) noexcept {
        CpuSlot* slot = nullptr;
        if constexpr (readers == SrcuReaders::fast) {
            if (count_on_this_cpu<offset>(open_, 1, slots_[index].data())) return;
            slot = &elsewhere_[index];  // atomic and plain additions do not mix
        } else {
            slot = &slots_[index][cpu_hint() % cpu_slots];
        }
        std::uint64_t& counter = offset == offsetof(CpuSlot, gets) ? slot->gets : slot->puts;
        // seq_cst, and on x86 a full barrier: what is read inside is read after the addition is
        // seen, and before the one of the unlock is. Partner: the barrier in is_empty().
        std::atomic_ref<std::uint64_t>(counter).fetch_add(1, std::memory_order_seq_cst);
#ifndef __x86_64__
        std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
    }

    std::uint64_t sum(std::uint32_t index, std::uint64_t CpuSlot::*counter) const noexcept {
        const auto read = [&](const CpuSlot& slot) {
            return __atomic_load_n(&(slot.*counter), __ATOMIC_SEQ_CST);
        };
        std::uint64_t total = read(elsewhere_[index]);
        for (const CpuSlot& slot : slots_[index]) total += read(slot);
        return total;
    }

    // Nobody is inside under `index`. A reader that leaves meanwhile is seen inside or not at all,
    // because unlocks are summed before locks.
    bool is_empty(std::uint32_t index) const noexcept {
        const auto barrier = [] {
            Safeguards::between_sums();
            if constexpr (readers == SrcuReaders::fast && Safeguards::barrier_between_sums)
                membarrier_restart_sequences();
        };
        if constexpr (Safeguards::unlocks_before_locks) {
            const std::uint64_t unlocks = sum(index, &CpuSlot::puts);
            barrier();
            return sum(index, &CpuSlot::gets) == unlocks;
        } else {
            const std::uint64_t locks = sum(index, &CpuSlot::gets);
            barrier();
            return sum(index, &CpuSlot::puts) == locks;
        }
    }

    void wait_until_empty(std::uint32_t index) const {
        std::chrono::microseconds pause{1};
        for (int spins = 0; !is_empty(index); ++spins) {
            if (spins < 10) continue;
            std::this_thread::sleep_for(pause);
            pause = std::min(2 * pause, std::chrono::microseconds(1000));
        }
    }

    const std::atomic<std::uint32_t> open_{1};
    alignas(128) std::atomic<std::uint32_t> index_{0};
    std::array<Slots, 2> slots_{};
    std::array<CpuSlot, 2> elsewhere_{};  // of threads without restartable sequences
    std::mutex updating_;
};

}  // namespace ballast::probe
