// Counts the users of code that may go away, so that it never goes away under one.
//
// try_get() and put() are for any thread, never block and take a nanosecond or less with the
// percpu scheme. A remover shuts the count: from then on try_get() refuses, and once no user is
// left the code may go. Follows try_module_get, module_put and try_release_module_ref of the two
// module-reference designs: one count that starts at a base reference, and counts per CPU.
//
// A ModuleRef outlives the code that it counts: a late try_get() finds it and is refused.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>
#include <utility>

#include "base/restartable.h"

namespace ballast {

enum class RefScheme : std::uint8_t {
    automatic,  // percpu, or what this machine has instead
    atomic,     // one shared count whose lowest bit is the base reference
    percpu,     // a slot per CPU, restartable sequences
    perthread,  // a slot per thread, for kernels and CPUs without restartable sequences
};

// Stable, lower-case names, as configuration and API show them.
std::string_view to_string(RefScheme scheme) noexcept;

// What users did wrong; each was refused or made up for, and the count stays usable.
struct RefFaults {
    std::uint64_t underflows = 0;       // put() without get()
    std::uint64_t overflows = 0;        // more users at once than allowed
    std::uint64_t gets_after_gone = 0;  // try_get() when the code was already gone
};

// What became of an attempt to remove.
struct Removal {
    enum class Outcome : std::uint8_t { removed, in_use, permanent };
    Outcome outcome = Outcome::removed;
    std::int64_t users = 0;  // in_use: how many are in the way; below 0 after a put() too many

    bool removed() const noexcept { return outcome == Outcome::removed; }
};

class ModuleRef {
  public:
    struct Options {
        // What this machine cannot do is replaced by what it can: percpu by perthread, that by
        // atomic; see scheme().
        RefScheme scheme = RefScheme::automatic;
        // Called when the last user leaves after shut(): on that user's thread, maybe more than
        // once and also when nobody waits. It may not call back into this object.
        std::function<void()> on_unused = {};
        // More are refused; scheme atomic alone. The other schemes' counts may wrap around,
        // for only their differences count.
        std::int64_t max_users = std::int64_t{1} << 40;
    };

    // Shut until open().
    explicit ModuleRef(Options options);
    ModuleRef() : ModuleRef(Options{}) {}
    ModuleRef(const ModuleRef&) = delete;
    ModuleRef& operator=(const ModuleRef&) = delete;

    RefScheme scheme() const noexcept { return scheme_; }

    // Takes a reference. False: the count is shut, or full; nothing was taken.
    [[nodiscard]] bool try_get() noexcept {
        if (count_on_this_cpu<offsetof(CpuSlot, gets)>(gate_, gate_percpu, slots_.data()))
            return true;
        return try_get_otherwise();
    }
    // Gives one back, on any thread.
    void put() noexcept {
        if (count_on_this_cpu<offsetof(CpuSlot, puts)>(gate_, gate_percpu, slots_.data())) return;
        put_otherwise();
    }

    // --- The remover's side: any thread, one at a time; blocks for a lock and a membarrier.

    // Lets users in: for the first time, again after shut(), or, if it is gone, to new code.
    void open();
    // Gone if nobody uses it, else still open. A try_get() at this moment may be refused either
    // way.
    Removal try_remove();
    // Refuses new users from its return on. If some are left, it is gone once settle() says so;
    // on_unused tells when to ask.
    Removal shut();
    // Gone, now that it is shut? Where it is not shut: in_use.
    Removal settle();
    // Never to be removed: from now on references cost nothing and are not counted. False: it is
    // not open.
    bool make_permanent();

    // References that are out: exact while shut, a hint while users come and go. Below 0 after
    // a put() too many, which also keeps it from ever being gone.
    std::int64_t users() const noexcept;
    bool permanent() const noexcept { return gate_.load() == gate_permanent; }
    bool gone() const noexcept { return gate_.load() == gate_gone; }
    RefFaults faults() const noexcept;

  private:
    static constexpr std::uint32_t gate_shut = 0;
    static constexpr std::uint32_t gate_atomic = 1;
    static constexpr std::uint32_t gate_percpu = 2;
    static constexpr std::uint32_t gate_perthread = 3;
    static constexpr std::uint32_t gate_permanent = 4;
    static constexpr std::uint32_t gate_gone = 5;

    bool try_get_otherwise() noexcept;
    void put_otherwise() noexcept;
    bool get_atomic() noexcept;
    void put_atomic() noexcept;
    bool get_percpu_without_slot() noexcept;
    bool get_perthread() noexcept;
    void put_perthread() noexcept;
    void tell_if_unused() noexcept;
    std::uint32_t open_gate() const noexcept;
    void shut_gate() noexcept;
    Removal decide() noexcept;

    // What every user reads, on a line that changes at load and removal alone.
    alignas(128) std::atomic<std::uint32_t> gate_{gate_shut};
    RefScheme scheme_;
    std::function<void()> on_unused_;
    std::int64_t max_users_;

    // atomic: twice the users, plus 1 for the base reference. Otherwise: what was counted outside
    // of the slots, from when the gate was shut or a CPU or thread had no slot.
    alignas(128) std::atomic<std::int64_t> shared_{0};

    // Of CPUs or of threads. A part of the object, so that where they are is no load of its own.
    std::array<CpuSlot, cpu_slots> slots_{};

    std::mutex remover_;
    std::atomic<std::uint64_t> underflows_{0};
    std::atomic<std::uint64_t> overflows_{0};
    std::atomic<std::uint64_t> gets_after_gone_{0};
};

// Holds one reference, or none.
class ModuleUse {
  public:
    ModuleUse() = default;
    // Holds none if `ref` refuses.
    explicit ModuleUse(ModuleRef& ref) noexcept : ref_(ref.try_get() ? &ref : nullptr) {}
    ModuleUse(ModuleUse&& other) noexcept : ref_(std::exchange(other.ref_, nullptr)) {}
    ModuleUse& operator=(ModuleUse&& other) noexcept {
        std::swap(ref_, other.ref_);
        return *this;
    }
    ~ModuleUse() {
        if (ref_ != nullptr) ref_->put();
    }
    explicit operator bool() const noexcept { return ref_ != nullptr; }

  private:
    ModuleRef* ref_ = nullptr;
};

}  // namespace ballast
