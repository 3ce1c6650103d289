#include "policy/peers/qmemman.h"

#include <algorithm>
#include <cmath>

namespace ballast::qmemman {
namespace {

constexpr double rounding_margin = 0.999;
constexpr double balloon_margin = 1.05;
constexpr double least_surplus_bytes = 10 * mib;
constexpr double least_change_under_pref_bytes = 15 * mib;
constexpr double least_total_change_bytes = 150 * mib;

double needed_bytes(const Domain& domain, const Tuning& tuning) {
    return pref_bytes(domain, tuning) - domain.actual_bytes;
}

// `part` of `whole`; 0 where there is nothing to be a part of.
double share_of(double part, double whole) {
    return whole == 0 ? 0 : part / whole;
}

}  // namespace

std::optional<double> parse_used_kib(std::string_view text) {
    if (text.empty()) return std::nullopt;
    double kib = 0;
    for (const char digit : text) {
        if (digit < '0' || digit > '9') return std::nullopt;
        kib = kib * 10 + (digit - '0');
    }
    return kib * 1024;
}

double pref_bytes(const Domain& domain, const Tuning& tuning) {
    const double used_bytes = *domain.used_bytes * tuning.cache_factor;
    if (domain.dom0)
        return std::trunc(std::min(used_bytes + tuning.dom0_boost_bytes, domain.max_bytes));
    // The least comes last, so that it may be more than the domain's maximum.
    return std::trunc(std::max(std::min(used_bytes, domain.max_bytes), tuning.least_pref_bytes));
}

const Balance& Algorithm::weigh(double free_bytes, std::span<const Domain> domains) {
    balance_.total_pref_bytes = 0;
    balance_.acceptors_pref_bytes = 0;
    balance_.donors.clear();
    balance_.acceptors.clear();
    double needed = 0;
    for (std::size_t row = 0; row < domains.size(); ++row) {
        const Domain& domain = domains[row];
        if (!domain.takes_part()) continue;
        const double pref = pref_bytes(domain, tuning_);
        const double need = pref - domain.actual_bytes;
        if (need < 0 || domain.actual_bytes >= domain.max_bytes) {
            balance_.donors.push_back(row);
        } else {
            balance_.acceptors.push_back(row);
            balance_.acceptors_pref_bytes += pref;
        }
        needed += need;
        balance_.total_pref_bytes += pref;
    }
    balance_.available_bytes = free_bytes - needed;
    return balance_;
}

// Everything that is left over one round is given on in the next. What the rounding margin holds
// back, and the shares of those that were full when the round began, are lost to all.
void Algorithm::give_overflow(std::span<const Domain> domains, double left_bytes,
                              double acceptors) {
    while (left_bytes > 0 && acceptors > 0) {
        const double bonus_bytes = std::trunc(rounding_margin * (left_bytes / acceptors));
        double overflow_bytes = 0;
        double still_accepting = acceptors;
        for (Request& draft : drafts_) {
            const double max_bytes = domains[draft.row].max_bytes;
            if (!(draft.memory_target_bytes < max_bytes)) continue;
            const double raised_bytes = draft.memory_target_bytes + bonus_bytes;
            if (raised_bytes >= max_bytes) {
                overflow_bytes += raised_bytes - max_bytes;
                still_accepting -= 1;
            }
            draft.memory_target_bytes = std::min(raised_bytes, max_bytes);
        }
        left_bytes = overflow_bytes;
        acceptors = still_accepting;
    }
}

void Algorithm::share_plenty(std::span<const Domain> domains) {
    drafts_.clear();
    double overflow_bytes = 0;
    double acceptors = 0;
    for (std::size_t row = 0; row < domains.size(); ++row) {
        const Domain& domain = domains[row];
        if (!domain.takes_part()) continue;
        const double pref = pref_bytes(domain, tuning_);
        const double scale = share_of(pref, balance_.total_pref_bytes);
        double target_bytes =
            std::trunc(rounding_margin * (pref + scale * balance_.available_bytes));
        if (target_bytes > domain.max_bytes) {
            overflow_bytes += target_bytes - domain.max_bytes;
            target_bytes = domain.max_bytes;
        } else {
            acceptors += 1;  // one that is exactly full as well
        }
        drafts_.push_back({row, target_bytes});
    }
    give_overflow(domains, overflow_bytes, acceptors);
    for (const bool shrinking : {true, false})
        for (const Request& draft : drafts_)
            if ((draft.memory_target_bytes < domains[draft.row].actual_bytes) == shrinking)
                requests_.push_back(draft);
}

void Algorithm::squeeze(double free_bytes, std::span<const Domain> domains) {
    double squeezed_bytes = free_bytes;
    for (const std::size_t row : balance_.donors) {
        const double surplus_bytes = -needed_bytes(domains[row], tuning_);
        // Probably it has been led to what it prefers already.
        if (surplus_bytes < least_surplus_bytes) continue;
        // The wrong sign, kept: what donors free is taken off, so that acceptors get less than
        // there is, and nothing at all where the donors free more than was free before.
        squeezed_bytes -= surplus_bytes;
        requests_.push_back({row, pref_bytes(domains[row], tuning_)});
    }
    if (squeezed_bytes < 0) return;
    for (const std::size_t row : balance_.acceptors) {
        const Domain& domain = domains[row];
        const double scale = share_of(pref_bytes(domain, tuning_), balance_.acceptors_pref_bytes);
        // The margin is taken off the whole target, which may end below what the domain has.
        const double target_bytes =
            std::trunc(rounding_margin * (domain.actual_bytes + scale * squeezed_bytes));
        requests_.push_back({row, std::min(target_bytes, domain.max_bytes)});
    }
}

std::span<const Request> Algorithm::balance(double free_bytes, std::span<const Domain> domains) {
    weigh(free_bytes, domains);
    requests_.clear();
    if (balance_.enough()) {
        share_plenty(domains);
    } else {
        squeeze(free_bytes, domains);
    }
    return requests_;
}

std::span<const Request> Algorithm::balloon(double wanted_bytes, std::span<const Domain> domains) {
    requests_.clear();
    drafts_.clear();  // donors, with what they can give
    balloon_available_bytes_ = 0;
    for (std::size_t row = 0; row < domains.size(); ++row) {
        if (!domains[row].takes_part()) continue;
        const double need = needed_bytes(domains[row], tuning_);
        if (!(need < 0)) continue;
        drafts_.push_back({row, -need});
        balloon_available_bytes_ -= need;
    }
    if (balloon_available_bytes_ < wanted_bytes) return {};
    for (const Request& donor : drafts_) {
        // A little more than its part, which takes the donor below what it prefers where all is
        // wanted. Where less than nothing is wanted, it grows.
        const double scale = wanted_bytes / balloon_available_bytes_;
        const double borrowed_bytes = donor.memory_target_bytes * scale * balloon_margin;
        requests_.push_back(
            {donor.row, std::trunc(domains[donor.row].actual_bytes - borrowed_bytes)});
    }
    return requests_;
}

bool Algorithm::significant(std::span<const Request> requests, double free_bytes,
                            std::span<const Domain> domains) const {
    if (free_left_bytes - free_bytes > least_change_under_pref_bytes) return true;
    double total_bytes = 0;
    for (const Request& request : requests) {
        const Domain& domain = domains[request.row];
        const double change_bytes = request.memory_target_bytes - domain.last_target_bytes;
        total_bytes += std::fabs(change_bytes);
        if (domain.last_target_bytes > 0 &&
            domain.last_target_bytes < pref_bytes(domain, tuning_) &&
            change_bytes > least_change_under_pref_bytes)
            return true;
    }
    return total_bytes + std::fabs(free_bytes - free_left_bytes) > least_total_change_bytes;
}

void clear_markers(std::span<Domain> domains, const Tuning& tuning) {
    for (Domain& domain : domains) {
        if (!domain.used_bytes) continue;
        if (domain.actual_bytes <= domain.last_target_bytes + free_left_bytes / 2 ||
            domain.actual_bytes < pref_bytes(domain, tuning)) {
            domain.slow = false;
            domain.no_progress = false;
        }
    }
}

}  // namespace ballast::qmemman
