#include "sim/guest_model.h"

#include <algorithm>
#include <cmath>

#include "model/domain.h"

namespace ballast {
namespace {

constexpr Bytes kOomGrain = 1 << 20;  // what the kernel's driver gives back at a time

Bytes times(Bytes amount, double share) noexcept {
    return static_cast<Bytes>(static_cast<double>(amount) * share);
}

double seconds(Bytes faulted, double page_us) noexcept {
    return static_cast<double>(faulted) * (page_us * 1e-6 / static_cast<double>(kSimPage));
}

}  // namespace

Bytes linux_watermark(Bytes memory) noexcept {
    const double kib = static_cast<double>(memory) / 1024;
    const double least = std::clamp(std::sqrt(kib * 16), 128.0, 262144.0);
    const double gap = std::max(least / 4, kib / 1000);
    return static_cast<Bytes>(std::min(least + 2 * gap, kib / 4)) * 1024;
}

SimGuest::SimGuest(const WorkloadVm& vm, const GuestConstants& constants)
    : capacity_(static_cast<Bytes>(vm.capacity_bytes)),
      watermark_(vm.plain ? 0 : linux_watermark(capacity_)),
      swap_bytes_(times(capacity_, constants.guest_swap_share)),
      balloon_bytes_per_s_(static_cast<double>(vm.balloon_bytes_per_s)),
      deflate_on_oom_(vm.deflate_on_oom),
      plain_(vm.plain),
      demand_holds_reserve_(vm.demand_holds_reserve),
      page_(Bytes{1} << vm.page_shift) {}

void SimGuest::boot(Bytes demand, const GuestConstants& constants) {
    vanish();
    if (plain_) {
        programs_ = demand;
        touched_ = kept();
        return;
    }
    programs_ = without_reserve(demand);
    hot_ = hot_cache_wanted(programs_, capacity_, watermark_, constants);
    touched_ = used();
}

void SimGuest::resume(const WorkloadStart& seen, Bytes demand, const GuestConstants& constants) {
    boot(demand, constants);
    const auto at_most = [](std::uint64_t bytes, Bytes most) {
        return static_cast<Bytes>(std::min(bytes, static_cast<std::uint64_t>(most)));
    };
    loaned_ = whole(at_most(seen.loaned_bytes, capacity_));
    if (plain_) {
        touched_ = kept();
        return;
    }
    const Bytes cache = at_most(seen.cache_bytes, kept());
    if (demand_holds_reserve_)
        programs_ = std::max<Bytes>(0, demand - watermark_ - std::min(cache / 2, watermark_));
    programs_ = std::min(programs_, kept());
    hot_ =
        std::min(hot_cache_wanted(programs_, capacity_, watermark_, constants), kept() - programs_);
    cold_ = std::clamp<Bytes>(cache - hot_, 0, kept() - programs_ - hot_);
    touched_ = used() + cold_;
    if (seen.resident_bytes == kUnknownBytes) return;
    const Bytes resident = at_most(seen.resident_bytes, kept());
    touched_ =
        std::max(touched_, std::min(resident + at_most(seen.host_swapped_bytes, kept()), kept()));
    const Bytes swapped = std::max<Bytes>(0, touched_ - resident);
    host_swapped_idle_ = std::min(swapped, idle());
    host_swapped_used_ = std::min(swapped - host_swapped_idle_, used());
}

// MemAvailable leaves out what the kernel keeps free, and as much of the cache.
Bytes SimGuest::without_reserve(Bytes demand) const noexcept {
    if (!demand_holds_reserve_) return demand;
    return std::max<Bytes>(0, demand - watermark_ - std::min((hot_ + cold_) / 2, watermark_));
}

void SimGuest::vanish() {
    loaned_ = programs_ = swapped_ = hot_ = missing_hot_ = cold_ = touched_ = taken_back_ = 0;
    host_swapped_idle_ = host_swapped_used_ = 0;
    killed_ = false;
    major_faults_ = 0;
    swapped_in_ = swapped_out_ = 0;
}

Bytes SimGuest::usable() const noexcept {
    const Bytes cache = hot_ + cold_;
    return std::max<Bytes>(0, free() - watermark_) + cache - std::min(cache / 2, watermark_);
}

Bytes SimGuest::move_balloon(Bytes goal, double at_s, double step_s,
                             const GuestConstants& constants) {
    if (goal == loaned_ || stands_still(balloon_mode, at_s)) return 0;
    const double speed = speed_of(balloon_mode, balloon_bytes_per_s_);
    const Bytes reach =
        speed > 0 ? static_cast<Bytes>(std::min(speed * step_s, static_cast<double>(capacity_)))
                  : capacity_;
    if (goal < loaned_) {
        const Bytes least = whole(std::max<Bytes>(goal, 0));
        const Bytes back = std::min(loaned_ - least, whole(reach));
        loaned_ -= back;
        if (plain_) touched_ = kept();
        return -back;
    }
    if (plain_) {
        const Bytes taken = whole(std::min(goal - loaned_, reach));
        loaned_ += taken;
        touched_ = kept();
        return taken;
    }
    const Bytes spare = std::max<Bytes>(0, free() - watermark_);
    const Bytes hot = constants.balloon_takes_hot_cache ? hot_ : 0;
    const Bytes programs = constants.balloon_takes_hot_cache ? std::min(programs_, swap_room()) : 0;
    const Bytes take = whole(std::min({goal - loaned_, reach, spare + cold_ + hot + programs}));
    Bytes left = take - std::min(take, spare);
    const Bytes from_cold = std::min(left, cold_);
    cold_ -= from_cold;
    left -= from_cold;
    const Bytes used_before = used();
    const Bytes from_hot = std::min(left, hot);
    hot_ -= from_hot;
    missing_hot_ += from_hot;
    left -= from_hot;
    programs_ -= left;
    swapped_ += left;
    swapped_out_ += left;
    become_idle(used_before - used(), used_before);
    loaned_ += take;
    forget_idle(touched_ - std::max(used() + cold_, touched_ - take));
    return take;
}

void SimGuest::set_loaned(Bytes loaned) {
    loaned_ = whole(std::clamp<Bytes>(loaned, 0, capacity_));
    touched_ = std::clamp(touched_, used() + cold_, kept());
    if (plain_) touched_ = kept();
}

Bytes SimGuest::take_back(Bytes bytes) {
    const Bytes taken = whole(std::min(bytes + page_ - 1, loaned_));
    loaned_ -= taken;
    taken_back_ += taken;
    if (plain_) touched_ = kept();
    return taken;
}

void SimGuest::set_capacity(Bytes capacity) {
    capacity_ = std::max(capacity, loaned_);
    if (plain_) touched_ = kept();
}

GuestHarm& operator+=(GuestHarm& sum, const GuestHarm& more) noexcept {
    sum.guest_stall_s += more.guest_stall_s;
    sum.host_stall_s += more.host_stall_s;
    sum.guest_faulted += more.guest_faulted;
    sum.host_faulted += more.host_faulted;
    sum.taken_back += more.taken_back;
    sum.unserved = more.unserved;
    sum.out_of_memory = sum.out_of_memory || more.out_of_memory;
    return sum;
}

GuestHarm SimGuest::live(Bytes demand, double step_s, const GuestConstants& constants) {
    if (plain_) return live_plainly(demand);
    GuestHarm harm;
    demand = without_reserve(demand);
    const Bytes now = served(demand, constants);
    harm.unserved = demand - now;
    const Bytes used_before = used();
    shrink(now);
    const Bytes grows = now - programs_ - swapped_;
    const Bytes hot_grows =
        hot_cache_wanted(now, capacity_, watermark_, constants) - hot_ - missing_hot_;
    if (hot_grows < 0) {
        const Bytes not_missed = std::min(missing_hot_, -hot_grows);
        missing_hot_ -= not_missed;
        const Bytes cools = -hot_grows - not_missed;
        hot_ -= cools;
        cold_ += cools;
    }
    // What was there before was touched at its place; what shrank is idle now.
    if (used() < used_before) become_idle(used_before - used(), used_before);
    const Bytes used_kept = used();
    fault_in(step_s, constants, harm);
    programs_ += grows;
    hot_ += std::max<Bytes>(0, hot_grows);
    reclaim();
    if (free() < 0) run_out(harm);
    harm.host_faulted += retouch(used_kept);
    harm.host_faulted += read_files(step_s, constants);
    if (constants.free_page_reporting) forget_idle(touched_ - used() - cold_);

    harm.guest_stall_s = std::min(seconds(harm.guest_faulted, constants.guest_fault_us), step_s);
    harm.host_stall_s =
        std::min(seconds(harm.host_faulted, constants.host_fault_us), step_s - harm.guest_stall_s);
    major_faults_ += static_cast<std::uint64_t>(harm.guest_faulted / kSimPage);
    return harm;
}

// Its programs have what they need whatever is lent, so long as the guest takes it back in time.
GuestHarm SimGuest::live_plainly(Bytes demand) {
    GuestHarm harm;
    programs_ = demand;
    if (free() < 0 && deflate_on_oom_ && balloon_mode != BalloonMode::stuck && loaned_ > 0) {
        harm.taken_back = take_back(std::max(-free(), least_taken_back));
        harm.out_of_memory = harm.taken_back > 0;
    }
    touched_ = kept();
    return harm;
}

// After a kill only as much runs as fits with its hot cache, until all of it would.
Bytes SimGuest::served(Bytes demand, const GuestConstants& constants) {
    if (!killed_) return demand;
    const Bytes room = std::max<Bytes>(0, kept() + swap_bytes_ - watermark_);
    const Bytes fits = times(room, 1 / (1 + constants.hot_cache_share));
    killed_ = demand > fits;
    return std::min(demand, fits);
}

// Programs free alike of what is in memory and in swap.
void SimGuest::shrink(Bytes demand) {
    const Bytes have = programs_ + swapped_;
    if (demand >= have) return;
    const Bytes from_swap = among(swapped_, have - demand, have);
    swapped_ -= from_swap;
    programs_ -= have - demand - from_swap;
}

// What is touched and not there comes back, as much as there is time for.
void SimGuest::fault_in(double step_s, const GuestConstants& constants, GuestHarm& harm) {
    if (swapped_ + missing_hot_ + host_swapped_used_ == 0) return;
    double share = std::min(1.0, step_s / constants.turnover_s);
    const double takes_s = share * (seconds(swapped_ + missing_hot_, constants.guest_fault_us) +
                                    seconds(host_swapped_used_, constants.host_fault_us));
    if (takes_s > step_s) share *= step_s / takes_s;
    const Bytes from_swap = times(swapped_, share);
    const Bytes from_files = times(missing_hot_, share);
    const Bytes from_host = times(host_swapped_used_, share);
    swapped_ -= from_swap;
    programs_ += from_swap;
    swapped_in_ += from_swap;
    missing_hot_ -= from_files;
    hot_ += from_files;
    host_swapped_used_ -= from_host;
    harm.guest_faulted = from_swap + from_files;
    harm.host_faulted = from_host;
}

// Cold cache goes first, then hot, to keep the watermark free; programs go to swap only where they
// do not fit.
void SimGuest::reclaim() {
    Bytes lacks = watermark_ - free();
    if (lacks <= 0) return;
    const Bytes from_cold = std::min(lacks, cold_);
    cold_ -= from_cold;
    lacks -= from_cold;
    const Bytes from_hot = std::min(lacks, hot_);
    hot_ -= from_hot;
    missing_hot_ += from_hot;
    const Bytes out = std::min(std::max<Bytes>(0, -free()), swap_room());
    programs_ -= out;
    swapped_ += out;
    swapped_out_ += out;
}

void SimGuest::run_out(GuestHarm& harm) {
    harm.out_of_memory = true;
    if (deflate_on_oom_ && balloon_mode != BalloonMode::stuck) {
        const Bytes grains = (-free() + kOomGrain - 1) / kOomGrain;
        harm.taken_back = take_back(std::min(loaned_, grains * kOomGrain));
    }
    if (free() >= 0) return;
    const Bytes killed = -free();
    harm.unserved += killed;
    programs_ -= killed;
    // Programs that stay dead are one event.
    killed_ = true;
}

// What programs use has changed from `used_before`: it lies on pages that the guest had touched
// before, as far as there are any, then on new ones. Answers how much of it the host has to read.
Bytes SimGuest::retouch(Bytes used_before) {
    const Bytes grew = used() - used_before;
    if (grew < 0) {
        become_idle(-grew, used_before);
        return 0;
    }
    const Bytes idle_before = touched_ - used_before;
    const Bytes fresh = std::max<Bytes>(0, used() + cold_ - touched_);
    touched_ += fresh;
    const Bytes read = among(host_swapped_idle_, std::max<Bytes>(0, grew - fresh), idle_before);
    host_swapped_idle_ -= read;
    return read;
}

// File data that is read once: fills free memory, then takes the place of what is oldest. A page
// that the host had swapped out has to be read by it although all of it is overwritten.
Bytes SimGuest::read_files(double step_s, const GuestConstants& constants) {
    const Bytes read = times(capacity_, step_s / constants.cache_fill_s);
    cold_ += std::min(read, std::max<Bytes>(0, free() - watermark_));
    const Bytes fresh = std::max<Bytes>(0, used() + cold_ - touched_);
    const Bytes idle_before = idle();
    touched_ += fresh;
    const Bytes again = std::min(read - fresh, idle_before);
    const Bytes host_reads = among(host_swapped_idle_, again, idle_before);
    host_swapped_idle_ -= host_reads;
    return host_reads;
}

// The host gets idle pages back, those in its swap among them.
void SimGuest::forget_idle(Bytes amount) {
    host_swapped_idle_ -= among(host_swapped_idle_, amount, idle());
    touched_ -= amount;
}

// `amount` of the `of_used` bytes in use are idle from now on.
void SimGuest::become_idle(Bytes amount, Bytes of_used) {
    const Bytes swapped = among(host_swapped_used_, amount, of_used);
    host_swapped_used_ -= swapped;
    host_swapped_idle_ += swapped;
}

}  // namespace ballast
