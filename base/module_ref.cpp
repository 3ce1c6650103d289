#include "base/module_ref.h"

#include "base/membarrier.h"
#include "base/thread_number.h"

namespace ballast {
namespace {

constexpr std::int64_t base_reference = 1;
constexpr std::int64_t one_user = 2;

RefScheme possible(RefScheme wanted) {
    const bool percpu = wanted == RefScheme::automatic || wanted == RefScheme::percpu;
    if (percpu && has_membarrier_rseq()) return RefScheme::percpu;
    if (wanted != RefScheme::atomic && has_membarrier()) return RefScheme::perthread;
    return RefScheme::atomic;
}

// Counts on a slot that no other thread writes. What the thread did before is seen by whoever
// reads the new count.
void count_on_own(std::uint64_t& counter) {
    const std::atomic_ref<std::uint64_t> count(counter);
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    // The remover's membarrier does the rest of what a fence would.
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

std::uint64_t read(const std::uint64_t& counter) {
    // Not of C++20: an atomic_ref of something const.
    return std::atomic_ref(const_cast<std::uint64_t&>(counter)).load(std::memory_order_acquire);
}

}  // namespace

std::string_view to_string(RefScheme scheme) noexcept {
    switch (scheme) {
        case RefScheme::automatic:
            return "auto";
        case RefScheme::atomic:
            return "atomic";
        case RefScheme::percpu:
            return "percpu";
        case RefScheme::perthread:
            return "perthread";
    }
    return "unknown";
}

ModuleRef::ModuleRef(Options options)
    : scheme_(possible(options.scheme)),
      on_unused_(std::move(options.on_unused)),
      max_users_(options.max_users) {}

// --- users

bool ModuleRef::try_get_otherwise() noexcept {
    switch (gate_.load()) {
        case gate_atomic:
            return get_atomic();
        case gate_percpu:
            return get_percpu_without_slot();
        case gate_perthread:
            return get_perthread();
        case gate_permanent:
            return true;
        case gate_gone:
            ++gets_after_gone_;
            return false;
        default:
            return false;
    }
}

void ModuleRef::put_otherwise() noexcept {
    const std::uint32_t gate = gate_.load();
    if (gate == gate_permanent) return;
    if (gate == gate_gone) {
        ++underflows_;
        return;
    }
    switch (scheme_) {
        case RefScheme::atomic:
            return put_atomic();
        case RefScheme::perthread:
            return put_perthread();
        case RefScheme::automatic:
        case RefScheme::percpu:
            break;
    }
    shared_.fetch_sub(1);
    tell_if_unused();
}

bool ModuleRef::get_atomic() noexcept {
    std::int64_t count = shared_.load();
    do {
        if ((count & base_reference) == 0) return false;
        if (count / one_user >= max_users_) {
            ++overflows_;
            return false;
        }
    } while (!shared_.compare_exchange_weak(count, count + one_user));
    return true;
}

void ModuleRef::put_atomic() noexcept {
    const std::int64_t before = shared_.fetch_sub(one_user);
    if (before < one_user) {
        shared_.fetch_add(one_user);
        ++underflows_;
    }
    tell_if_unused();
}

bool ModuleRef::get_percpu_without_slot() noexcept {
    shared_.fetch_add(1);
    // Counted before the gate is read, so a remover who shuts it later sees the count.
    const std::uint32_t gate = gate_.load();
    if (gate == gate_percpu || gate == gate_permanent) return true;
    shared_.fetch_sub(1);
    tell_if_unused();
    return false;
}

bool ModuleRef::get_perthread() noexcept {
    const std::uint32_t thread = this_thread_number();
    if (thread < slots_.size()) {
        count_on_own(slots_[thread].gets);
    } else {
        shared_.fetch_add(1);
    }
    const std::uint32_t gate = gate_.load();
    if (gate == gate_perthread || gate == gate_permanent) return true;
    // Taken back in `shared_`, which users() reads before the slots: so it never sees this
    // without the addition above.
    shared_.fetch_sub(1);
    tell_if_unused();
    return false;
}

void ModuleRef::put_perthread() noexcept {
    const std::uint32_t thread = this_thread_number();
    if (thread < slots_.size()) {
        count_on_own(slots_[thread].puts);
    } else {
        shared_.fetch_sub(1);
    }
    if (gate_.load() == gate_perthread) return;
    // Several may leave at once: the last to pass here sees all of them.
    shared_.fetch_add(0);
    tell_if_unused();
}

void ModuleRef::tell_if_unused() noexcept {
    if (gate_.load() == gate_shut && users() == 0 && on_unused_) on_unused_();
}

// --- the remover

std::uint32_t ModuleRef::open_gate() const noexcept {
    switch (scheme_) {
        case RefScheme::atomic:
            return gate_atomic;
        case RefScheme::perthread:
            return gate_perthread;
        case RefScheme::automatic:
        case RefScheme::percpu:
            break;
    }
    return gate_percpu;
}

void ModuleRef::shut_gate() noexcept {
    gate_.store(gate_shut);
    switch (scheme_) {
        case RefScheme::atomic:
            shared_.fetch_and(~base_reference);
            break;
        case RefScheme::perthread:
            membarrier_all_threads();
            break;
        case RefScheme::automatic:
        case RefScheme::percpu:
            membarrier_restart_sequences();
            break;
    }
}

void ModuleRef::open() {
    const std::lock_guard guard(remover_);
    if (permanent()) return;
    if (scheme_ == RefScheme::atomic) shared_.fetch_or(base_reference);
    gate_.store(open_gate());
}

Removal ModuleRef::decide() noexcept {
    const std::int64_t left = users();
    if (left == 0) {
        gate_.store(gate_gone);
        return {};
    }
    if (left < 0) ++underflows_;
    return {Removal::Outcome::in_use, left};
}

Removal ModuleRef::try_remove() {
    const std::lock_guard guard(remover_);
    if (permanent()) return {Removal::Outcome::permanent, 0};
    if (gone()) return {};
    const bool was_open = gate_.load() != gate_shut;
    if (was_open) shut_gate();
    const Removal removal = decide();
    if (!removal.removed() && was_open) {
        if (scheme_ == RefScheme::atomic) shared_.fetch_or(base_reference);
        gate_.store(open_gate());
    }
    return removal;
}

Removal ModuleRef::shut() {
    const std::lock_guard guard(remover_);
    if (permanent()) return {Removal::Outcome::permanent, 0};
    if (gone()) return {};
    if (gate_.load() != gate_shut) shut_gate();
    return decide();
}

Removal ModuleRef::settle() {
    const std::lock_guard guard(remover_);
    if (permanent()) return {Removal::Outcome::permanent, 0};
    if (gone()) return {};
    if (gate_.load() != gate_shut) return {Removal::Outcome::in_use, users()};
    return decide();
}

bool ModuleRef::make_permanent() {
    const std::lock_guard guard(remover_);
    if (permanent()) return true;
    if (gate_.load() != open_gate()) return false;
    gate_.store(gate_permanent);
    return true;
}

std::int64_t ModuleRef::users() const noexcept {
    const std::int64_t shared = shared_.load();
    // Rounds down, so that a put() too many shows below 0.
    if (scheme_ == RefScheme::atomic) return shared >> 1;
    // In this order: of a use that ends meanwhile, what took it away is never seen without what
    // brought it (see also get_perthread), so the sum may be too high, and not too low.
    std::uint64_t sum = static_cast<std::uint64_t>(shared);
    for (const CpuSlot& slot : slots_) sum -= read(slot.puts);
    for (const CpuSlot& slot : slots_) sum += read(slot.gets);
    return static_cast<std::int64_t>(sum);
}

RefFaults ModuleRef::faults() const noexcept {
    return {underflows_.load(), overflows_.load(), gets_after_gone_.load()};
}

}  // namespace ballast
