// Hands the newest value to any number of readers without ever making the writer wait.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/module_ref.h"

namespace ballast {

// One writer thread, any number of reader threads; neither waits for the other. A reader holds its
// value for as long as its Handle lives: each slot counts its readers, and the writer uses one
// again only when it is gone.
template <class Value>
class Exchange {
    struct alignas(128) Slot {
        explicit Slot(RefScheme scheme) : readers({.scheme = scheme}) {}
        ModuleRef readers;  // open from the publication until the next one
        Value value{};
    };

  public:
    // A reader's hold on one published value. Movable; drop it soon.
    class Handle {
      public:
        Handle() noexcept = default;
        Handle(Handle&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
        Handle& operator=(Handle&& other) noexcept {
            std::swap(slot_, other.slot_);
            return *this;
        }
        ~Handle() {
            if (slot_ != nullptr) slot_->readers.put();
        }
        // False before the first publication.
        explicit operator bool() const noexcept { return slot_ != nullptr; }
        const Value& operator*() const noexcept { return slot_->value; }
        const Value* operator->() const noexcept { return &slot_->value; }

      private:
        friend class Exchange;
        explicit Handle(Slot* slot) noexcept : slot_(slot) {}
        Slot* slot_ = nullptr;
    };

    // `scheme` counts the readers: what a read costs, and what a publication does (see ModuleRef).
    explicit Exchange(RefScheme scheme = RefScheme::atomic) {
        for (auto& slot : slots_) slot = std::make_unique<Slot>(scheme);
    }

    RefScheme scheme() const noexcept { return slots_[0]->readers.scheme(); }

    // The newest published value; empty before the first. Any thread.
    Handle latest() const noexcept {
        for (;;) {
            Slot* const slot = newest_.load(std::memory_order_acquire);
            if (slot == nullptr) return Handle();
            // Refused: a newer one has been published meanwhile. Granted: the slot holds that value
            // or a newer one, whole, for it is open only while it does; where it is about to be
            // published, the reader may not see it before others do.
            Handle handle(slot->readers.try_get() ? slot : nullptr);
            if (handle && newest_.load(std::memory_order_acquire) == slot) return handle;
        }
    }

    // Writer: a value to fill, its memory still allocated from earlier use; nullptr if readers hold
    // every slot (the value then goes unpublished and is counted).
    Value* begin() noexcept {
        const Slot* const newest = newest_.load(std::memory_order_relaxed);  // only we store it
        for (const auto& slot : slots_) {
            if (slot.get() == newest || !slot->readers.shut().removed()) continue;
            filling_ = slot.get();
            return &filling_->value;
        }
        skipped_.fetch_add(1, std::memory_order_relaxed);
        return nullptr;
    }
    // Writer: makes what begin() returned the newest.
    void publish() noexcept {
        Slot* const before = newest_.load(std::memory_order_relaxed);
        filling_->readers.open();
        // release: partner of latest()'s load.
        newest_.store(filling_, std::memory_order_release);
        if (before != nullptr) before->readers.shut();
    }
    // Values that could not be published because readers held every slot. Any thread.
    std::uint64_t skipped() const noexcept { return skipped_.load(std::memory_order_relaxed); }

  private:
    std::array<std::unique_ptr<Slot>, 16> slots_;
    std::atomic<Slot*> newest_{nullptr};
    Slot* filling_ = nullptr;  // writer only
    std::atomic<std::uint64_t> skipped_{0};
};

}  // namespace ballast
