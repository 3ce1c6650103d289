#include "policy/working_set.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace ballast {
namespace {

constexpr double kPageBytes = 4096;

// exp2(-x); where it is as good as a line, that is what it costs.
double decay(double x) noexcept {
    constexpr double kLn2 = 0.69314718055994531;
    return x < 0.01 ? 1 - kLn2 * x : std::exp2(-x);
}

constexpr double kMuchMore = 1.25;
constexpr double kMostPatience_s = 86400;
constexpr double kCaution = 2;      // where some was read back, as much again will be
constexpr double kMostCache = 1e6;  // as a share of what programs use: all of any guest

}  // namespace

void WorkingSet::look(const GuestFigures& told, double passed_s,
                      const WorkingSetSettings& settings) {
    if (!known_) {
        still_s_ = 0;
        faults_ = kUnknownBytes;
        kept_settled_ = kept_ = told.kept;
    }
    const bool was_settled = known_ && settled();
    growth_ *= decay(passed_s / settings.growth_half_life_s);
    settle(told, passed_s);
    // Its statistics may be of before a move: what the balloon gave meanwhile is not used yet. Or
    // of after it, where the size is not: what it gives is not used any more.
    const double of = settled() ? told.kept : std::min({told.kept, kept_settled_, told.least_kept});
    used_ = std::max(0.0, of - std::min(told.usable, told.kept));
    if (settled()) kept_settled_ = told.kept;
    if (was_settled && settled()) {
        judge_growth(passed_s, settings);
    } else {
        window_s_ = 0;
        least_used_ = least_used_before_ = used_;
    }
    judge_cache(told, known_ ? passed_s : 0, settings);
    known_ = true;
}

void WorkingSet::settle(const GuestFigures& told, double passed_s) {
    const bool moved = std::abs(told.kept - kept_) > kPageBytes;
    kept_ = told.kept;
    late_ = told.late;
    const bool contradictory = told.usable > told.kept;
    const bool just_moved = moved && passed_s < kSettle_s;
    still_s_ = just_moved || contradictory ? 0 : still_s_ + passed_s;
}

void WorkingSet::judge_growth(double passed_s, const WorkingSetSettings& settings) {
    growth_ = std::max(growth_, used_ - std::min(least_used_, least_used_before_));
    least_used_ = std::min(least_used_, used_);
    window_s_ += passed_s;
    if (window_s_ < settings.growth_s) return;
    window_s_ = 0;
    least_used_before_ = std::exchange(least_used_, used_);
}

// What a guest that lends reads back was in use, and taken for idle: the estimate goes up at once,
// and comes down slowly while hardly anything is read back.
void WorkingSet::judge_cache(const GuestFigures& told, double passed_s,
                             const WorkingSetSettings& settings) {
    if (cache_share_ < 0) cache_share_ = settings.cache_share;
    const bool counted = told.major_faults != kUnknownBytes && faults_ != kUnknownBytes;
    const double pages = counted && told.major_faults > faults_
                             ? static_cast<double>(told.major_faults - faults_)
                             : 0;
    faults_ = told.major_faults;
    if (passed_s <= 0) return;
    if (told.kept < told.total && pages * settings.fault_s > settings.stall_share * passed_s) {
        cache_share_ += kCaution * pages * kPageBytes / std::max(used_, kPageBytes);
        cache_share_ = std::min(cache_share_, kMostCache);
        // Each time that it was too little it is left alone for longer.
        if (quiet_s_ > 0) patience_s_ = std::min(2 * patience_s_, kMostPatience_s);
        quiet_s_ = 0;
        return;
    }
    // Only a guest that has hardly more shows that it can do with that.
    if (std::min(told.cache, told.kept) > kMuchMore * cache_share_ * used_) return;
    quiet_s_ += passed_s;
    if (quiet_s_ > patience_s_)
        cache_share_ *= std::pow(1 - settings.cache_relax_per_h, passed_s / 3600);
}

}  // namespace ballast
