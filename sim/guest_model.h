// One simulated guest: where its memory is, and what it pays when something it needs is not there.
// docs/simulator.md tells the reasons of every rule and constant.
#pragma once

#include <algorithm>
#include <cstdint>

#include "sim/amounts.h"
#include "sim/workload.h"

namespace ballast {

// The same for every guest of a run.
struct GuestConstants {
    double turnover_s = 60;         // in which programs touch all that they need; > 0
    double guest_fault_us = 100;    // a page from the guest's swap or its files; >= 0
    double host_fault_us = 100;     // a page from the host's swap; >= 0
    double hot_cache_share = 0.10;  // of demand: file data that is used over and over; 0..1
    double cache_fill_s =
        6 * 3600.0;  // in which a guest reads as much from files as it has; > 0, inf = never
    double guest_swap_share = 0;          // of capacity; 0..1
    bool free_page_reporting = false;     // free pages go back to the host by themselves
    bool balloon_takes_hot_cache = true;  // as Linux does; false: it comes short before that
};

// File data that programs which need `demand` use over and over. What would not fit even into a
// guest that lends nothing is nobody's fault, and is left out.
inline Bytes hot_cache_wanted(Bytes demand, Bytes capacity, Bytes watermark,
                              const GuestConstants& constants) noexcept {
    return std::min(static_cast<Bytes>(static_cast<double>(demand) * constants.hot_cache_share),
                    std::max<Bytes>(0, capacity - watermark - demand));
}

// Free memory at which Linux stops reclaiming (its high watermark) on a machine of that size.
Bytes linux_watermark(Bytes memory) noexcept;

// What a guest paid in one step.
struct GuestHarm {
    double guest_stall_s = 0;  // waiting for its own swap and files; both at most the step
    double host_stall_s = 0;   // waiting for pages that the host had swapped out
    Bytes guest_faulted = 0;   // read back from its own swap and files
    Bytes host_faulted = 0;    // read back from the host's swap
    Bytes taken_back = 0;      // out of the balloon because it ran out of memory
    Bytes unserved = 0;        // demand of programs that were killed
    bool out_of_memory = false;
};
// What `more` cost comes on top, of a step that follows.
GuestHarm& operator+=(GuestHarm& sum, const GuestHarm& more) noexcept;

// Memory of a guest, all in bytes. kept = programs + hot + cold + free at every moment; the host
// holds `touched` for it, `host_swapped()` of it in its swap.
class SimGuest {
  public:
    SimGuest() = default;
    SimGuest(const WorkloadVm& vm, const GuestConstants& constants);

    // Starts with `demand` in place, nothing cached that is not needed, nothing lent.
    void boot(Bytes demand, const GuestConstants& constants);
    // Goes on as it was seen, with `demand`; what does not go together is cut to fit.
    void resume(const WorkloadStart& seen, Bytes demand, const GuestConstants& constants);
    // Goes: all that it had is free again.
    void vanish();

    // The balloon moves towards a loan of `goal` for `step_s`, in whole pages; answers how far,
    // signed. It takes what the guest's kernel can reclaim, and comes short where there is no more.
    Bytes move_balloon(Bytes goal, double at_s, double step_s, const GuestConstants& constants);

    // The balloon is of that size at once, in whole pages, whatever is free.
    void set_loaned(Bytes loaned);
    // Takes so much out of its balloon at once, in whole pages, as when it runs out of memory;
    // answers how much there was.
    Bytes take_back(Bytes bytes);
    // Memory was added or removed; nothing that is lent.
    void set_capacity(Bytes capacity);

    // Programs now need `demand` (at most the capacity): `step_s` of touching, growing, dropping
    // cache, swapping, and at the end running out of memory.
    GuestHarm live(Bytes demand, double step_s, const GuestConstants& constants);

    // The host swaps out that much of what programs leave alone, and of what they need; at most
    // host_idle() and host_used().
    void swap_out(Bytes idle, Bytes used) noexcept {
        host_swapped_idle_ += idle;
        host_swapped_used_ += used;
    }

    // What it took back by running out of memory, since it booted.
    Bytes taken_back() const noexcept { return taken_back_; }
    // A scripted guest's driver gives back so much at least; others, what virtio's does.
    Bytes least_taken_back = 0;

    Bytes capacity() const noexcept { return capacity_; }
    Bytes watermark() const noexcept { return watermark_; }
    Bytes loaned() const noexcept { return loaned_; }
    Bytes kept() const noexcept { return capacity_ - loaned_; }
    Bytes programs() const noexcept { return programs_; }
    Bytes swapped() const noexcept { return swapped_; }
    Bytes hot() const noexcept { return hot_; }
    Bytes missing_hot() const noexcept { return missing_hot_; }
    Bytes cold() const noexcept { return cold_; }
    // Below 0 where a scripted guest lends what its programs use.
    Bytes free() const noexcept { return kept() - programs_ - hot_ - cold_; }
    // What Linux calls MemAvailable.
    Bytes usable() const noexcept;
    Bytes touched() const noexcept { return touched_; }
    Bytes host_swapped() const noexcept { return host_swapped_idle_ + host_swapped_used_; }
    Bytes host_resident() const noexcept { return touched_ - host_swapped(); }
    // In the host's memory: what programs leave alone (cold cache, free pages), what they need.
    Bytes host_idle() const noexcept { return idle() - host_swapped_idle_; }
    Bytes host_used() const noexcept { return used() - host_swapped_used_; }
    std::uint64_t major_faults() const noexcept { return major_faults_; }
    Bytes swapped_in() const noexcept { return swapped_in_; }
    Bytes swapped_out() const noexcept { return swapped_out_; }

    BalloonMode balloon_mode = BalloonMode::ideal;
    StatsMode stats_mode = StatsMode::truthful;

  private:
    Bytes used() const noexcept { return programs_ + hot_; }
    Bytes idle() const noexcept { return touched_ - used(); }
    Bytes swap_room() const noexcept { return swap_bytes_ - swapped_; }

    GuestHarm live_plainly(Bytes demand);
    Bytes without_reserve(Bytes demand) const noexcept;
    Bytes whole(Bytes bytes) const noexcept { return bytes & ~(page_ - 1); }
    Bytes served(Bytes demand, const GuestConstants& constants);
    void shrink(Bytes demand);
    void fault_in(double step_s, const GuestConstants& constants, GuestHarm& harm);
    void reclaim();
    void run_out(GuestHarm& harm);
    Bytes retouch(Bytes used_before);
    Bytes read_files(double step_s, const GuestConstants& constants);
    void forget_idle(Bytes amount);
    void become_idle(Bytes amount, Bytes of_used);

    Bytes capacity_ = 0;
    Bytes watermark_ = 0;
    Bytes swap_bytes_ = 0;
    double balloon_bytes_per_s_ = 0;  // 0 = at once
    bool deflate_on_oom_ = true;
    bool plain_ = false;
    bool demand_holds_reserve_ = false;
    Bytes page_ = kSimPage;  // what the balloon moves at least

    Bytes loaned_ = 0;
    Bytes programs_ = 0;
    Bytes swapped_ = 0;      // in the guest's own swap
    Bytes hot_ = 0;          // cache that is used over and over
    Bytes missing_hot_ = 0;  // the same, dropped
    Bytes cold_ = 0;         // cache that was read once
    Bytes touched_ = 0;
    Bytes host_swapped_idle_ = 0;
    Bytes host_swapped_used_ = 0;
    Bytes taken_back_ = 0;
    bool killed_ = false;  // programs were, and their demand waits until it fits again

    std::uint64_t major_faults_ = 0;
    Bytes swapped_in_ = 0;
    Bytes swapped_out_ = 0;
};

}  // namespace ballast
