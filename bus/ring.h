// Publishing into a ring in shared memory: a few stores a record, in an order in which a reader can
// always tell a whole record from one that is being written.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>

#include "bus/format.h"

namespace ballast {

// Called after each store into shared memory: a test ends the process there.
struct NoInterruption {
    static void after_store() noexcept {}
};

// One writer. The memory holds a header whose geometry is that of `slots`; readers map it.
template <class Interruption = NoInterruption>
class Ring {
  public:
    // Of slots of BUS_SLOT_SIZE bytes; their number is a power of two.
    Ring(bus_header& header, unsigned char* slots, std::uint32_t slot_count) noexcept
        : header_(&header), slots_(slots), mask_(slot_count - 1) {}

    static constexpr std::size_t max_payload = BUS_SLOT_SIZE - BUS_SLOT_HEADER_SIZE;

    struct Stamp {
        std::int64_t wall_ns = 0;
        std::int64_t monotonic_ns = 0;
    };

    // Writes the next record; readers see it after commit().
    // `payload` is cut at max_payload.
    void publish(std::uint16_t type, std::uint16_t version, Stamp at,
                 std::span<const std::byte> payload) noexcept {
        unsigned char* const slot = slots_ + (position_ & mask_) * BUS_SLOT_SIZE;
        const auto size = static_cast<std::uint32_t>(std::min(payload.size(), max_payload));
        // Readers have had these lines: fetched back before they are needed.
        const unsigned char* const soon = slots_ + ((position_ + 6) & mask_) * BUS_SLOT_SIZE;
        __builtin_prefetch(soon, 1);
        __builtin_prefetch(soon + 64, 1);
        store(slot, 2 * position_ + 1, std::memory_order_relaxed);
        // What follows is not seen before the odd stamp. Partner: the fence in the reader's
        // try_read, before it looks at the stamp again.
        std::atomic_thread_fence(std::memory_order_release);
        store(slot + 8, static_cast<std::uint64_t>(at.wall_ns), std::memory_order_relaxed);
        store(slot + 16, static_cast<std::uint64_t>(at.monotonic_ns), std::memory_order_relaxed);
        store(slot + 24, size | std::uint64_t{type} << 32U | std::uint64_t{version} << 48U,
              std::memory_order_relaxed);
        std::uint32_t done = 0;
        for (; done + 8 <= size; done += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, payload.data() + done, 8);
            store(slot + BUS_SLOT_HEADER_SIZE + done, word, std::memory_order_relaxed);
        }
        if (done < size) {
            std::uint64_t word = 0;
            std::memcpy(&word, payload.data() + done, size - done);
            store(slot + BUS_SLOT_HEADER_SIZE + done, word, std::memory_order_relaxed);
        }
        ++position_;
        // Partner: the reader's first look at the stamp.
        store(slot, 2 * position_, std::memory_order_release);
    }

    // Ends a batch: first tells readers how far it came.
    void publish_head() noexcept {
        // seq_cst: partner of the reader's last look before it sleeps.
        std::atomic_ref(header_->head).store(position_, std::memory_order_seq_cst);
        Interruption::after_store();
    }
    // Then, after a look whether somebody waits, changes the word that they wait for.
    void change_word() noexcept {
        std::atomic_ref(header_->futex)
            .store(static_cast<std::uint32_t>(position_), std::memory_order_seq_cst);
        Interruption::after_store();
    }

    std::uint64_t position() const noexcept { return position_; }

  private:
    static void store(unsigned char* where, std::uint64_t word, std::memory_order order) noexcept {
        std::atomic_ref(*reinterpret_cast<std::uint64_t*>(where)).store(word, order);
        Interruption::after_store();
    }

    bus_header* header_;
    unsigned char* slots_;
    std::uint64_t mask_;
    std::uint64_t position_ = 0;
};

}  // namespace ballast
