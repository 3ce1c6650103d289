#include "controller/snapshot_exchange.h"

#include <utility>

namespace ballast {

struct alignas(128) SnapshotExchange::Slot {
    // Readers that hold, or are about to check, this slot.
    std::atomic<std::uint32_t> readers{0};
    Snapshot snapshot;
};

SnapshotExchange::SnapshotExchange() : slots_(std::make_unique<std::array<Slot, kSlots>>()) {}
SnapshotExchange::~SnapshotExchange() = default;

SnapshotExchange::Handle& SnapshotExchange::Handle::operator=(Handle&& other) noexcept {
    if (this != &other) {
        reset();
        slot_ = std::exchange(other.slot_, nullptr);
    }
    return *this;
}

const Snapshot& SnapshotExchange::Handle::operator*() const noexcept {
    return slot_->snapshot;
}

void SnapshotExchange::Handle::reset() noexcept {
    // release: our reads of the snapshot are done before begin()'s acquire load sees zero.
    if (slot_ != nullptr) slot_->readers.fetch_sub(1, std::memory_order_release);
    slot_ = nullptr;
}

SnapshotExchange::Handle SnapshotExchange::latest() const noexcept {
    for (;;) {
        const std::uint32_t index = newest_.load(std::memory_order_seq_cst);
        if (index == kNone) return Handle();
        Slot& slot = (*slots_)[index];
        // Announce, then check again. Both here and in publish()/begin() the order is seq_cst:
        // either begin() sees our count, or we see that the slot is no longer the newest and let go
        // of it without having read it.
        slot.readers.fetch_add(1, std::memory_order_seq_cst);
        if (newest_.load(std::memory_order_seq_cst) == index) return Handle(&slot);
        slot.readers.fetch_sub(1, std::memory_order_release);
    }
}

Snapshot* SnapshotExchange::begin() noexcept {
    const std::uint32_t newest = newest_.load(std::memory_order_relaxed);  // only we store it
    for (std::uint32_t i = 0; i < kSlots; ++i) {
        // seq_cst, partner of latest()'s announcement; also acquires what Handle::reset released.
        if (i != newest && (*slots_)[i].readers.load(std::memory_order_seq_cst) == 0) {
            filling_ = i;
            return &(*slots_)[i].snapshot;
        }
    }
    skipped_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
}

void SnapshotExchange::publish() noexcept {
    newest_.store(filling_, std::memory_order_seq_cst);
}

}  // namespace ballast
