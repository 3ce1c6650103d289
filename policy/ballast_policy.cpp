#include "policy/ballast_policy.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "policy/memory_targets.h"

namespace ballast {
namespace {

constexpr double kPageBytes = 4096;
constexpr double kMostBytes = 0x1p62;
constexpr int kHalvings = 12;
constexpr double kLeastEased = 1 << 20;
constexpr double kMargin = 1.25;

double number(std::uint64_t bytes) noexcept {
    return static_cast<double>(bytes);
}

double page_up(double bytes) noexcept {
    return std::ceil(bytes / kPageBytes) * kPageBytes;
}

bool speaks(const DomainTable& domains, std::size_t row) noexcept {
    constexpr DomainFlags kSilent = DomainFlags::stale_stats | DomainFlags::no_stats |
                                    DomainFlags::bad_stats | DomainFlags::starting |
                                    DomainFlags::unanswered;
    return (domains.flags[row] & kSilent) == DomainFlags::none &&
           domains.usable_bytes[row] != kUnknownBytes;
}

// The largest argument from 0 to `high` at which `gain`, which falls, is still above `wanted`.
template <class Gain>
double largest(double high, const Gain& gain, double wanted) {
    double low = 0;
    for (int halving = 0; halving < kHalvings; ++halving) {
        const double middle = (low + high) / 2;
        (gain(middle) > wanted ? low : high) = middle;
    }
    return low;
}

}  // namespace

BallastSettings ballast_settings(const PolicyChoice& choice) {
    const auto share = [&](std::string_view name) { return number_of(choice, name) / 100; };
    BallastSettings settings;
    settings.goal_share = share("goal_percent");
    settings.ease_share = share("ease_percent");
    settings.ease_share_per_s = share("ease_percent_per_s");
    settings.least_room_share = share("least_room_percent");
    settings.most_room_share = share("most_room_percent");
    settings.comfort_share = share("comfort_percent");
    settings.working_set.growth_s = number_of(choice, "growth_s");
    settings.working_set.growth_half_life_s = number_of(choice, "growth_half_life_s");
    settings.working_set.cache_share = share("cache_percent");
    settings.working_set.cache_relax_per_h = share("cache_relax_percent_per_h");
    settings.working_set.stall_share = share("stall_percent");
    settings.working_set.fault_s = number_of(choice, "fault_us") * 1e-6;
    settings.deadband_share = share("deadband_percent");
    return settings;
}

void BallastPolicy::look(const Observation& seen, std::size_t row, const PolicyInputs& inputs,
                         double passed_s) {
    const DomainTable& domains = seen.domains;
    WorkingSet& guest = guests_[row];
    Need& need = needs_[row];
    const double whole = number(domains.total_bytes[row]);
    need = {};
    need.kept = need.target = whole - std::min(whole, number(domains.loaned_bytes[row]));
    // What a memory cgroup keeps it from having is none of its memory.
    const double total = std::max(need.kept, std::min(whole, number(domains.limit_bytes[row])));
    need.total = total;
    need.resident = domains.resident_bytes[row] == kUnknownBytes
                        ? need.kept
                        : std::min(number(domains.resident_bytes[row]), need.kept);
    const bool held = is_held(inputs, row);
    if (held || !speaks(domains, row)) {
        guest.interrupt();
        promises_[row].forget();
        need.reason = held ? RequestReason::held : RequestReason::silent;
        need.returnable = !held;
        return;
    }
    need.returnable = true;
    const double told = number(domains.usable_bytes[row]);
    Promise& promise = promises_[row];
    const std::uint64_t cache = domains.cache_bytes[row];
    guest.look({.total = total,
                .kept = need.kept,
                .usable = told,
                .cache = cache == kUnknownBytes ? told : number(cache),
                .major_faults = domains.major_faults[row],
                .late = has(domains.flags[row], DomainFlags::late_stats),
                .least_kept = promise.owes() ? promise.asked() : need.kept},
               passed_s, settings_.working_set);
    need.movable = true;
    need.settled = guest.settled();
    promise.look(need.kept, passed_s);
    need.is_late = promise.is_late();
    need.coming = promise.coming_bytes();
    // What was asked of it already is no gain once more.
    need.resident = std::max(0.0, need.resident - need.coming);
    need.most_gain = promise.most_bytes();
    const double used = guest.used();

    need.used = used;
    need.cache = guest.cache_share() * used;
    // Not so little that it would count as short, with half of its cache.
    const double percent = std::min<double>(inputs.short_below_percent, 99);
    const double usable =
        kMargin * std::min(number(inputs.short_below_bytes), used * percent / (100 - percent));
    need.least_room = std::max(settings_.least_room_share * total, usable - need.cache / 2);
    need.room =
        std::max(need.least_room, std::min(guest.growth(), settings_.most_room_share * total));
    need.least_kept = std::min(total, number(least_bytes(inputs, row)));
    // What was learned of its cache by trying is not tried again where nobody is in need.
    const double cached = std::max(guest.cache_share(), settings_.working_set.cache_share) * used;
    need.comfort = std::min(used + cached + settings_.comfort_share * total, total);
    bound(need, 1);
    const double shares = std::max(1.0, shares_of(inputs, row));
    need.room_unit = total * shares / 1000;
}

void BallastPolicy::bound(Need& need, double share) {
    const double room = room_of(need, share);
    need.in_use = in_use_of(need, share);
    need.least = std::clamp(need.in_use + room, need.least_kept, need.total);
    need.comfort = std::max(need.comfort, need.least);
    need.edge = std::clamp(need.in_use + room / 2, need.least_kept, need.total);
    need.relief = std::clamp(need.in_use + 2 * room, need.least_kept, need.total);
}

// The largest share of all that guests should have which the host has. What they keep now does not
// count, but what they need: the answer is the same before and after it is so.
double BallastPolicy::affordable_share(double lacks) const {
    const auto gain = [&](double share) {
        double bytes = 0;
        for (const Need& need : needs_)
            if (need.movable)
                bytes += std::min(
                    need.most_gain,
                    need.resident - std::clamp(in_use_of(need, share) + room_of(need, share),
                                               need.least_kept, need.total));
        return bytes;
    };
    if (gain(1) >= lacks) return 1;
    return largest(1, gain, lacks);
}

// Asymmetric: nobody waits for what he is short of, and nobody has less than half of the room that
// all could have. Answers how much the guests may use of it.
BallastPolicy::Served BallastPolicy::serve_those_short(double room_level, double available) {
    Served served;
    double to_spare = available;
    const auto serve = [&](Need& need, double target, RequestReason reason) {
        to_spare -= target - need.kept;
        need.target = target;
        need.reason = reason;
        need.is_short = true;
        need.resident = 0;  // nothing is taken from it now
    };
    for (Need& need : needs_) {
        if (!need.movable || need.kept >= need.edge) continue;
        served.given += std::max(0.0, need.least - need.kept);
        serve(
            need,
            std::max(need.relief, std::min(need.total, need.in_use + room_level * need.room_unit)),
            RequestReason::guest_short);
    }
    for (Need& need : needs_) {
        const double room = room_level * need.room_unit;
        if (!need.movable || need.is_short || need.on_tight_node ||
            need.kept >= std::min(need.total, need.in_use + room / 2))
            continue;
        const double target = std::max(need.relief, std::min(need.total, need.in_use + room));
        // The rest can wait until others have given what the host has not.
        const double now = std::min(target, need.kept + std::max(0.0, to_spare));
        served.owed += target - now;
        need.resident = 0;
        need.reason = RequestReason::host_waited_for;
        if (now - need.kept >= settings_.deadband_share * need.total)
            serve(need, now, RequestReason::evened_out);
    }
    return served;
}

// What the host gets if every guest is left `level` (a share of its size) of room, or what it needs
// at least.
double BallastPolicy::gain_at(double level, Bound bound) const {
    double gain = 0;
    for (const Need& need : needs_)
        if (need.settled && need.counts)
            gain += std::clamp(need.resident - room_kept(need, level, bound), 0.0, need.most_gain);
    return gain;
}

// The room, as a share of each guest's size and at most the comfortable one, that all of them could
// have at once if those with more gave it to those with less.
double BallastPolicy::fair_level(double lacks) const {
    const auto gain = [&](double level) {
        double bytes = 0;
        for (const Need& need : needs_)
            if (need.movable)
                bytes +=
                    std::min(need.most_gain, need.resident - room_kept(need, level, &Need::least));
        return bytes;
    };
    if (gain(settings_.comfort_share) >= lacks) return settings_.comfort_share;
    return largest(settings_.comfort_share, gain, lacks);
}

// The most room, as a share of each guest's size, that can be left to all.
double BallastPolicy::level_for(double wanted, Bound bound) const {
    if (gain_at(0, bound) <= wanted) return 0;
    return largest(
        1, [&](double level) { return gain_at(level, bound); }, wanted);
}

// Those with the most room beside what they use give first, until all have as little: nobody is
// driven to the edge while another has plenty.
void BallastPolicy::collect(double wanted, Bound bound, RequestReason reason) {
    const double level = level_for(wanted, bound);
    // Where that is too little, what guests do not hold yet is not to grow into the host's swap.
    const bool too_little = gain_at(level, bound) < wanted;
    for (Need& need : needs_) {
        if (!need.settled || !need.counts || need.is_late) continue;
        const double kept = room_kept(need, level, bound);
        if ((need.resident <= kept && !too_little) || need.target <= kept) continue;
        need.target = kept;
        need.reason = reason;
    }
}

// In turn, and to each enough to be worth a move.
void BallastPolicy::ease(double surplus, double most) {
    to_ease_ = std::min(to_ease_ + surplus, most);
    for (std::size_t n = 0; n < needs_.size(); ++n) {
        Need& need = needs_[next_to_ease_ % needs_.size()];
        next_to_ease_ = (next_to_ease_ + 1) % needs_.size();
        if (!need.returnable || need.on_tight_node || need.target != need.kept ||
            need.kept >= need.total)
            continue;
        const double gets =
            std::min(need.total - need.kept,
                     std::max(4 * settings_.deadband_share * need.total, kLeastEased));
        if (gets > to_ease_) break;
        need.target += gets;
        need.reason = RequestReason::host_eases;
        to_ease_ -= gets;
    }
}

// While somebody waits, what is in the swap is to come back, but never beyond where loans go back:
// taking and giving would follow each other, as where swap is compressed memory that stays full.
BallastPolicy::HostSwap BallastPolicy::look_at_swap(const HostState& host, double passed_s,
                                                    double most) {
    HostSwap swap;
    if (host.swap_total_bytes == kUnknownBytes || host.swap_free_bytes == kUnknownBytes)
        return swap;
    const double used = number(host.swap_total_bytes) - number(host.swap_free_bytes);
    // What was out before the first look is no news.
    swap.went_out = std::max(0.0, used - std::exchange(host_swapped_, used).value_or(used));
    const std::uint64_t stalled_us = std::exchange(host_stalled_us_, host.memory_stall_us);
    const bool told = stalled_us != kUnknownBytes && host.memory_stall_us != kUnknownBytes &&
                      host.memory_stall_us > stalled_us;
    const double stalled_s = told ? number(host.memory_stall_us - stalled_us) * 1e-6 : 0;
    if (stalled_s > settings_.working_set.stall_share * passed_s)
        swap.waited_for = std::clamp(used, 0.0, most);
    return swap;
}

void BallastPolicy::share_out(const HostState& state, const PolicyInputs& inputs, double passed_s) {
    const double host = number(state.total_bytes);
    const double available = number(state.available_bytes);
    const double coming = available + on_its_way_;
    const double reserve = number(inputs.host_reserve_bytes);
    const double growth = settings_.goal_share * host;
    const double may_come = may_come_;
    const double edge = settings_.ease_share * host;
    const HostSwap swap = look_at_swap(state, passed_s, edge);
    // What guests cannot take needs no room on the host; somebody who waits for memory does.
    const double waited_for = inputs.reserved_bytes > 0 ? reserve : 0;
    const auto lacks_after = [&](double given) {
        const double needed = std::min(reserve + growth, may_come - given);
        return std::max(needed, waited_for) - coming + given + swap.went_out;
    };
    // Where all that they want is more than there is, they get less of it rather than have the host
    // swap.
    const double kept_back = std::min(growth / 4, may_come) - coming + swap.went_out;
    if (const double share = affordable_share(kept_back); share < 1)
        for (Need& need : needs_)
            if (need.movable) bound(need, share);
    const bool anybody_lacks = std::any_of(needs_.begin(), needs_.end(), [this](const Need& need) {
        const double room = settings_.comfort_share / 2 * need.room_unit;
        return need.movable &&
               need.kept < std::max(need.edge, std::min(need.total, need.in_use + room));
    });
    const auto [given, owed] = anybody_lacks ? serve_those_short(fair_level(lacks_after(0)),
                                                                 available - reserve - growth / 4)
                                             : Served{};
    const double lacks = lacks_after(given);
    const double wished = reserve + growth + swap.waited_for + owed - coming + given;
    const RequestReason why =
        waited_for - coming + given > 0 ? RequestReason::reserved : RequestReason::host_lacks;
    // While it lacks anything, what guests are giving is still wanted.
    wants_ = std::max(lacks, wished) + coming - available > 0;
    taken_to_ = lacks > 0 ? &Need::least : &Need::comfort;
    if (lacks > 0) collect(lacks, &Need::least, why);
    if (wished > std::max(lacks, 0.0)) collect(wished, &Need::comfort, RequestReason::host_lacks);
    const double spare = available - given - reserve - growth - edge;
    if (spare > 0 && lacks <= 0 && owed <= 0)
        ease(settings_.ease_share_per_s * passed_s * host, spare);
    else
        to_ease_ = 0;
}

// Why nothing is asked of a guest that nothing is given either.
RequestReason BallastPolicy::reason_to_wait(const Need& need) const noexcept {
    if (need.reason != RequestReason::enough) return need.reason;
    if (!host_known_ && !need.node_wants) return RequestReason::host_unknown;
    if (!wants_ && !need.node_wants) return RequestReason::enough;
    if (!need.settled) return RequestReason::figures_awaited;
    const bool has_more = need.resident > need.*taken_to_;
    return has_more ? RequestReason::others_give : RequestReason::nothing_to_spare;
}

void BallastPolicy::request(const Observation& seen, const PolicyInputs& inputs,
                            std::span<std::int64_t> request_bytes) {
    const DomainTable& domains = seen.domains;
    rows_.follow(domains, guests_, promises_);
    needs_.resize(domains.size());
    reasons_.resize(domains.size());
    const double passed_s = begun_ ? std::chrono::duration<double>(seen.at - last_at_).count() : 0;
    begun_ = true;
    last_at_ = seen.at;
    may_come_ = on_its_way_ = 0;
    for (std::size_t row = 0; row < domains.size(); ++row) {
        look(seen, row, inputs, passed_s);
        may_come_ += needs_[row].total - needs_[row].resident;
        on_its_way_ += needs_[row].coming;
    }

    look_at_nodes(seen);
    host_known_ =
        seen.host.available_bytes != kUnknownBytes && seen.host.total_bytes != kUnknownBytes;
    if (host_known_)
        share_out(seen.host, inputs, passed_s);
    else
        serve_those_short(settings_.comfort_share, 0);
    collect_for_nodes(seen);

    for (std::size_t row = 0; row < domains.size(); ++row) {
        Need& need = needs_[row];
        Promise& promise = promises_[row];
        const double total = number(domains.total_bytes[row]);
        // What it is giving, it gives on; or it is called off by asking for nothing.
        if (need.movable && promise.owes() && (wants_ || need.node_wants) && !need.is_short &&
            (need.target == need.kept || need.is_late)) {
            need.target = std::min(need.target, promise.asked());
            if (need.reason == RequestReason::enough)
                need.reason = wants_ ? RequestReason::host_lacks : RequestReason::node_lacks;
        }
        const double target = std::clamp(page_up(need.target), 0.0, total);
        // The last of it goes back, however little it is.
        const bool whole = target >= need.total;
        const bool small = !need.is_short && !whole &&
                           std::abs(target - need.kept) < settings_.deadband_share * total;
        const bool still = need.target == need.kept;
        reasons_[row] = still   ? reason_to_wait(need)
                        : small ? RequestReason::not_worth_it
                                : need.reason;
        if (small || still || !need.returnable) {
            promise.forget();
            request_bytes[row] = 0;
            continue;
        }
        promise.ask(target);
        const auto loan = static_cast<std::uint64_t>(std::min(total - target, kMostBytes));
        request_bytes[row] = request_to_lend(domains, row, loan);
    }
}

}  // namespace ballast
