// Restartable sequences on x86-64: a few instructions that run as one on their CPU, or not at all.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && __has_include(<sys/rseq.h>) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if !__has_feature(thread_sanitizer)
#define BALLAST_HAVE_RSEQ 1
#endif
#else
#define BALLAST_HAVE_RSEQ 1
#endif
#endif

#ifdef BALLAST_HAVE_RSEQ
#include <sys/rseq.h>
#endif

namespace ballast {

// One CPU's counters, which only grow; on a pair of cache lines of its own, because CPUs prefetch
// them in pairs. Two counters: one that goes up and down makes each put wait for its get's store.
struct alignas(128) CpuSlot {
    std::uint64_t gets;
    std::uint64_t puts;
};

// CPUs beyond them have no slot.
inline constexpr std::uint32_t cpu_slots = 256;

#ifdef BALLAST_HAVE_RSEQ
inline constexpr std::ptrdiff_t cpu_slot_shift = 7;
static_assert(sizeof(CpuSlot) == std::size_t{1} << cpu_slot_shift);

// Adds 1 to the counter at byte `offset` of this CPU's slot if `gate` holds `open`, as one
// restartable sequence: after membarrier_restart_sequences() the addition has either been done
// whole or will read `gate` anew. False, with nothing done: the gate was not open, or this CPU has
// no slot, as on a thread that is not registered for rseq (glibc registers them from 2.35 on).
template <std::size_t offset>
[[gnu::always_inline]] inline bool count_on_this_cpu(const std::atomic<std::uint32_t>& gate,
                                                     std::uint32_t open, CpuSlot* slots) {
    static_assert(sizeof(gate) == sizeof(std::uint32_t));
    for (;;) {
        // %fs:0..31 at __rseq_offset is the thread's struct rseq: cpu_id at 4, rseq_cs at 8.
        asm goto(
            ".pushsection __rseq_cs, \"aw?\"\n"
            ".balign 32\n"
            "77:\n"
            ".long 0, 0\n"
            ".quad 71f, 72f - 71f, 74f\n"
            ".popsection\n"
            "leaq 77b(%%rip), %%rax\n"
            "movq %%rax, %%fs:8(%[rseq])\n"
            "71:\n"
            "cmpl %[open], %[gate]\n"
            "jne %l[shut]\n"
            "movl %%fs:4(%[rseq]), %%eax\n"
            "cmpl %[most], %%eax\n"
            "jae %l[shut]\n"
            "shll $7, %%eax\n"
            "addq %[slots], %%rax\n"
            "addq $1, %c[offset](%%rax)\n"
            "72:\n"
            ".pushsection __rseq_failure, \"ax?\"\n"
            // The signature that the kernel wants to see in front of an abort handler.
            ".byte 0x0f, 0xb9, 0x3d\n"
            ".long 0x53053053\n"
            "74:\n"
            "jmp %l[again]\n"
            ".popsection\n"
            :
            : [rseq] "r"(__rseq_offset), [gate] "m"(gate), [open] "ri"(open), [most] "i"(cpu_slots),
              [slots] "r"(slots), [offset] "i"(offset)
            : "rax", "cc", "memory"
            : shut, again);
        return true;
    shut:
        return false;
    again:
        continue;
    }
}
#else
template <std::size_t offset>
inline bool count_on_this_cpu(const std::atomic<std::uint32_t>&, std::uint32_t, CpuSlot*) {
    return false;
}
#endif

}  // namespace ballast
