// Hands the newest Snapshot to any number of readers without ever making the loop wait.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "model/snapshot.h"

namespace ballast {

// One writer thread, any number of reader threads. Both sides are lock-free. A reader holds its
// snapshot for as long as its Handle lives; the writer then uses another slot.
class SnapshotExchange {
    struct Slot;

  public:
    // A reader's hold on one published snapshot. Movable; drop it soon.
    class Handle {
      public:
        Handle() noexcept = default;
        Handle(Handle&& other) noexcept : slot_(other.slot_) { other.slot_ = nullptr; }
        Handle& operator=(Handle&& other) noexcept;
        ~Handle() { reset(); }
        // False before the first publication.
        explicit operator bool() const noexcept { return slot_ != nullptr; }
        const Snapshot& operator*() const noexcept;
        const Snapshot* operator->() const noexcept { return &**this; }

      private:
        friend class SnapshotExchange;
        explicit Handle(Slot* slot) noexcept : slot_(slot) {}
        void reset() noexcept;
        Slot* slot_ = nullptr;
    };

    SnapshotExchange();
    ~SnapshotExchange();

    // The newest published snapshot; empty before the first. Any thread.
    Handle latest() const noexcept;

    // Writer: a snapshot to fill, its columns still allocated from earlier use; nullptr if readers
    // hold every slot (the tick then goes unpublished and is counted).
    Snapshot* begin() noexcept;
    // Writer: makes what begin() returned the newest.
    void publish() noexcept;
    // Ticks that could not be published because readers held every slot. Any thread.
    std::uint64_t skipped() const noexcept { return skipped_.load(std::memory_order_relaxed); }

  private:
    static constexpr std::uint32_t kSlots = 16;
    static constexpr std::uint32_t kNone = kSlots;

    std::unique_ptr<std::array<Slot, kSlots>> slots_;
    std::atomic<std::uint32_t> newest_{kNone};
    std::uint32_t filling_ = kNone;  // writer only
    std::atomic<std::uint64_t> skipped_{0};
};

}  // namespace ballast
