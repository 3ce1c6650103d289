// In the place of the header of this name: what base/module_ref is made of, on a machine that runs
// every order of steps.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>
#include <utility>

#include "machine.h"

// What namespace ballast finds as std: the machine's atomics, and otherwise the standard library.
namespace ballast::std {

using namespace ::std;

// Each operation is a step of its own, and sequentially consistent.
template <class T>
class atomic {
  public:
    atomic(T value) : value_(value) {}  // NOLINT(google-explicit-constructor)

    T load() const noexcept {
        interleaving::step();
        return value_;
    }
    void store(T value) noexcept {
        locked();
        value_ = value;
    }
    T fetch_add(T by) noexcept {
        return changed([&] { value_ += by; });
    }
    T fetch_sub(T by) noexcept {
        return changed([&] { value_ -= by; });
    }
    T fetch_or(T bits) noexcept {
        return changed([&] { value_ |= bits; });
    }
    T fetch_and(T bits) noexcept {
        return changed([&] { value_ &= bits; });
    }
    T operator++() noexcept { return fetch_add(1) + 1; }
    bool compare_exchange_weak(T& expected, T wanted) noexcept {
        locked();
        if (value_ == expected) {
            value_ = wanted;
            return true;
        }
        expected = value_;
        return false;
    }

  private:
    static void locked() {
        interleaving::step();
        interleaving::empty_own_buffer();
    }
    template <class Change>
    T changed(const Change& change) {
        locked();
        const T before = value_;
        change();
        return before;
    }
    T value_;
};

// A counter that one thread alone counts up, by a plain load and a plain store.
template <class T>
class atomic_ref {
  public:
    explicit atomic_ref(T& counter) : counter_(counter) {}
    T load(memory_order) const {
        interleaving::step();
        return interleaving::load(counter_);
    }
    void store(T value, memory_order) const {
        interleaving::step();
        interleaving::check(value == interleaving::load(counter_) + 1, "counted by two at once");
        interleaving::count_plainly(counter_);
    }

  private:
    T& counter_;
};

}  // namespace ballast::std

namespace ballast {

struct CpuSlot {
    std::uint64_t gets;
    std::uint64_t puts;
};
// Fewer than threads, so that some count without one.
inline constexpr std::uint32_t cpu_slots = 2;

// The restartable sequence: reads the gate, then counts; or starts again. Each thread has a CPU.
template <std::size_t offset>
bool count_on_this_cpu(const std::atomic<std::uint32_t>& gate, std::uint32_t open, CpuSlot* slots) {
    for (;;) {
        interleaving::begin_sequence();
        const std::uint32_t seen = gate.load();
        const std::size_t cpu = interleaving::this_thread();
        interleaving::step();
        if (interleaving::was_restarted()) continue;
        interleaving::end_sequence();
        if (seen != open || cpu >= cpu_slots) return false;
        interleaving::count_plainly(offset == 0 ? slots[cpu].gets : slots[cpu].puts);
        return true;
    }
}

}  // namespace ballast
