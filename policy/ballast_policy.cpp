#include "policy/ballast_policy.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "policy/loan_request.h"
#include "policy/memory_targets.h"

namespace ballast {
namespace {

constexpr double kPageBytes = 4096;
constexpr double kMostBytes = 0x1p62;
constexpr int kHalvings = 12;
constexpr double kMuchMore = 1.25;

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

}  // namespace

BallastSettings ballast_settings(const PolicyChoice& choice) {
    const auto share = [&](std::string_view name) { return number_of(choice, name) / 100; };
    BallastSettings settings;
    settings.goal_share = share("goal_percent");
    settings.ease_share = share("ease_percent");
    settings.ease_share_per_s = share("ease_percent_per_s");
    settings.least_room_share = share("least_room_percent");
    settings.most_room_share = share("most_room_percent");
    settings.growth_s = number_of(choice, "growth_s");
    settings.growth_half_life_s = number_of(choice, "growth_half_life_s");
    settings.cache_share = share("cache_percent");
    settings.cache_relax_per_h = share("cache_relax_percent_per_h");
    settings.refault_share_per_s = share("refault_percent_per_s");
    settings.deadband_share = share("deadband_percent");
    return settings;
}

// Refaults tell that cache was in use which was taken for idle: the estimate goes up at once, and
// comes down slowly while nothing is read back.
void BallastPolicy::judge_cache(Guest& guest, std::uint64_t faults, double cache,
                                double passed_s) const {
    if (guest.cache_share < 0) guest.cache_share = settings_.cache_share;
    const bool told = faults != kUnknownBytes && guest.faults != kUnknownBytes;
    const double read_back =
        told && faults > guest.faults ? number(faults - guest.faults) * kPageBytes : 0;
    guest.faults = faults;
    if (passed_s <= 0) return;
    if (read_back / passed_s > settings_.refault_share_per_s * guest.used) {
        const double held = guest.used > 0 ? cache / guest.used : 0;
        guest.cache_share = std::max(guest.cache_share, std::min(held, 1.0)) * 1.1 + 0.01;
        guest.cache_share = std::min(guest.cache_share, 1.0);
        guest.quiet_s = 0;
        return;
    }
    // Only a guest that has hardly more shows that it can do with that.
    if (cache > kMuchMore * guest.cache_share * guest.used) return;
    guest.quiet_s += passed_s;
    if (guest.quiet_s > 600)
        guest.cache_share *= std::pow(1 - settings_.cache_relax_per_h, passed_s / 3600);
}

void BallastPolicy::look(const Observation& seen, std::size_t row, const PolicyInputs& inputs,
                         double passed_s) {
    const DomainTable& domains = seen.domains;
    Guest& guest = guests_[row];
    Need& need = needs_[row];
    const double total = number(domains.total_bytes[row]);
    need = {};
    need.total = total;
    need.kept = need.target = total - std::min(total, number(domains.loaned_bytes[row]));
    if (!speaks(domains, row) || is_held(inputs, row)) {
        guest.known = false;
        return;
    }
    need.movable = true;
    const double usable = std::min(number(domains.usable_bytes[row]), need.kept);
    const double used = need.kept - usable;
    const double cache = domains.cache_bytes[row] == kUnknownBytes
                             ? usable
                             : std::min(number(domains.cache_bytes[row]), need.kept);
    if (guest.known && passed_s > 0) {
        guest.growth_per_s *= std::exp2(-passed_s / settings_.growth_half_life_s);
        guest.growth_per_s = std::max(guest.growth_per_s, (used - guest.used) / passed_s);
    }
    guest.used = used;
    judge_cache(guest, domains.major_faults[row], cache, guest.known ? passed_s : 0);
    guest.known = true;

    const double room =
        std::clamp(guest.growth_per_s * settings_.growth_s, settings_.least_room_share * total,
                   settings_.most_room_share * total);
    const double in_use = std::min(total, used + guest.cache_share * used);
    const double least_kept =
        inputs.min_mem_bytes.empty() ? 0 : std::min(total, number(inputs.min_mem_bytes[row]));
    need.in_use = in_use;
    need.least = std::clamp(in_use + room, least_kept, total);
    need.edge = std::clamp(in_use + room / 2, least_kept, total);
    need.relief = std::clamp(in_use + 2 * room, least_kept, total);
    need.resident = domains.resident_bytes[row] == kUnknownBytes
                        ? need.kept
                        : std::min(number(domains.resident_bytes[row]), need.kept);
    const double shares = inputs.shares.empty() ? 1000 : std::max(1U, inputs.shares[row]);
    need.room_unit = total * shares / 1000;
}

// Asymmetric: nobody waits for what he is short of. Answers how much the guests may use of it.
double BallastPolicy::serve_those_short() {
    double given = 0;
    for (Need& need : needs_) {
        if (!need.movable || need.kept >= need.edge) continue;
        need.target = need.relief;
        need.is_short = true;
        need.resident = 0;  // nothing is taken from it now
        given += need.least - need.kept;
    }
    return given;
}

// What the host gets if every guest is left `level` (a share of its size) of room, or what it needs
// at least.
double BallastPolicy::gain_at(double level) const {
    double gain = 0;
    for (const Need& need : needs_)
        if (need.movable) gain += std::max(0.0, need.resident - room_kept(need, level));
    return gain;
}

// Those with the most room beside what they use give first, until all have as little: nobody is
// driven to the edge while another has plenty.
void BallastPolicy::collect(double wanted) {
    double low = 0;
    double high = 1;
    if (gain_at(low) > wanted) {
        for (int halving = 0; halving < kHalvings; ++halving) {
            const double middle = (low + high) / 2;
            (gain_at(middle) > wanted ? low : high) = middle;
        }
    }
    for (Need& need : needs_) {
        if (!need.movable) continue;
        const double kept = room_kept(need, low);
        if (need.resident > kept) need.target = std::min(need.target, kept);
    }
}

// In turn, and to each enough to be worth a move.
void BallastPolicy::ease(double surplus) {
    for (std::size_t n = 0; n < needs_.size() && surplus > 0; ++n) {
        next_to_ease_ = next_to_ease_ + 1 < needs_.size() ? next_to_ease_ + 1 : 0;
        Need& need = needs_[next_to_ease_];
        if (!need.movable || need.target != need.kept) continue;
        const double gets =
            std::min(need.total - need.kept, 4 * settings_.deadband_share * need.total);
        need.target += gets;
        surplus -= gets;
    }
}

// What the host had to swap out since it was last looked at.
double BallastPolicy::swapped_out(const HostState& host) {
    if (host.swap_total_bytes == kUnknownBytes || host.swap_free_bytes == kUnknownBytes) return 0;
    const double used = number(host.swap_total_bytes) - number(host.swap_free_bytes);
    const double more = used - std::exchange(host_swapped_, used);
    return std::max(0.0, more);
}

void BallastPolicy::request(const Observation& seen, const PolicyInputs& inputs,
                            std::span<std::int64_t> request_bytes) {
    const DomainTable& domains = seen.domains;
    rows_.follow(domains, guests_);
    needs_.resize(domains.size());
    const double passed_s = begun_ ? std::chrono::duration<double>(seen.at - last_at_).count() : 0;
    begun_ = true;
    last_at_ = seen.at;
    for (std::size_t row = 0; row < domains.size(); ++row) look(seen, row, inputs, passed_s);

    const double given = serve_those_short();
    if (seen.host.available_bytes != kUnknownBytes && seen.host.total_bytes != kUnknownBytes) {
        const double host = number(seen.host.total_bytes);
        const double available =
            number(seen.host.available_bytes) - number(inputs.host_reserve_bytes) - given;
        const double goal = settings_.goal_share * host;
        if (available < goal)
            collect(goal - available + swapped_out(seen.host));
        else if (available > goal + settings_.ease_share * host)
            ease(std::min(available - goal - settings_.ease_share * host,
                          settings_.ease_share_per_s * passed_s * host));
    }

    for (std::size_t row = 0; row < domains.size(); ++row) {
        const Need& need = needs_[row];
        const double total = number(domains.total_bytes[row]);
        const double target = std::clamp(page_up(need.target), 0.0, total);
        // The last of it goes back, however little it is.
        const bool whole = target >= total;
        const bool small = !need.is_short && !whole &&
                           std::abs(target - need.kept) < settings_.deadband_share * total;
        if (small || !need.movable) {
            request_bytes[row] = 0;
            continue;
        }
        const auto loan = static_cast<std::uint64_t>(std::min(total - target, kMostBytes));
        request_bytes[row] = request_for(loan, domains.total_bytes[row], domains.loaned_bytes[row]);
    }
}

}  // namespace ballast
