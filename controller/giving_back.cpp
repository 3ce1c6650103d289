// Outside of ticks: what was lent goes back as far as the host has room, the neediest first.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/log.h"
#include "base/saturating.h"
#include "base/units.h"
#include "controller/controller_state.h"

namespace ballast {

std::uint64_t Controller::State::lent_bytes(std::size_t row) const noexcept {
    const DomainControl& control = ledger.controls()[row];
    return less(control.known_loaned_bytes,
                std::max(control.original_loaned_bytes, least_loan_bytes(row)));
}

// What the memory cgroup around the domain cannot hold is not given back.
std::uint64_t Controller::State::least_loan_bytes(std::size_t row) const noexcept {
    const DomainTable& domains = seen.domains;
    if (row >= domains.size()) return 0;
    return ballast::least_loan_bytes(domains.total_bytes[row],
                                     ledger.controls()[row].known_loaned_bytes,
                                     domains.limit_bytes[row], domains.page_shift[row]);
}

// A guest without a kernel takes nothing back, however long one waits.
bool Controller::State::has_crashed(std::size_t row) const noexcept {
    return has(seen.domains.flags[row], DomainFlags::crashed);
}

std::uint64_t Controller::State::lent_bytes() const noexcept {
    std::uint64_t lent = 0;
    for (std::size_t row = 0; row < ledger.controls().size(); ++row)
        if (!has_crashed(row)) lent += lent_bytes(row);
    return lent;
}

// Where the balloon is on its way back, the loan that it is on its way to.
std::uint64_t Controller::State::promised_loan_bytes(std::size_t row) const noexcept {
    const DomainControl& control = ledger.controls()[row];
    const bool on_its_way = control.set_bytes != kUnknownBytes && !control.reached_set;
    return on_its_way ? std::min(control.set_bytes, control.known_loaned_bytes)
                      : control.known_loaned_bytes;
}

// A simulated pool has a reserve of its own.
std::uint64_t Controller::State::reserve_bytes() const noexcept {
    const std::uint64_t pool = settings.scenario ? settings.scenario->pool.reserve_bytes : 0;
    return host_reserve_bytes() != 0 ? host_reserve_bytes() : pool;
}

// What the host has beside its reserve, and has not promised to a domain yet.
std::uint64_t Controller::State::room_bytes() const noexcept {
    // The kernel's driver gives everything back, whatever that leaves the host.
    if (seen.host.available_bytes == kUnknownBytes || settings.cmm.profile == Profile::kernel)
        return std::numeric_limits<std::uint64_t>::max();
    std::uint64_t has = seen.host.available_bytes;
    std::uint64_t owes = reserve_bytes();
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        const std::uint64_t loaned = controls[row].known_loaned_bytes;
        owes += loaned - promised_loan_bytes(row);
        if (row >= seen.domains.size()) continue;
        // What has moved since the observation.
        has += less(loaned, seen.domains.loaned_bytes[row]);
        owes += less(seen.domains.loaned_bytes[row], loaned);
    }
    return less(has, owes);
}

std::string Controller::State::room_text() const {
    return fmt::format("the host has {} available, of which {} are its reserve",
                       format_size(seen.host.available_bytes), format_size(reserve_bytes()));
}

// By the share of what they keep that they can still use; who does not say so comes last.
std::vector<std::size_t> Controller::State::neediest_first(
    std::span<const std::size_t> rows) const {
    const DomainTable& domains = seen.domains;
    const auto usable_share = [&](std::size_t row) {
        if (row >= domains.size() || domains.usable_bytes[row] == kUnknownBytes)
            return std::numeric_limits<double>::infinity();
        const std::uint64_t kept = less(domains.total_bytes[row], domains.loaned_bytes[row]);
        return static_cast<double>(domains.usable_bytes[row]) /
               static_cast<double>(std::max<std::uint64_t>(kept, 1));
    };
    std::vector<std::size_t> order(rows.begin(), rows.end());
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return usable_share(a) < usable_share(b);
    });
    return order;
}

Controller::State::GivenBack Controller::State::give_back(std::span<const std::size_t> rows,
                                                          std::uint64_t room_bytes) {
    GivenBack given;
    for (const std::size_t row : neediest_first(rows)) {
        const DomainControl& control = ledger.controls()[row];
        const std::uint64_t from = promised_loan_bytes(row);
        const std::uint64_t owed = less(from, std::max(own_bytes(control), least_loan_bytes(row)));
        if (owed == 0) {
            // Promised already; a driver that is to be woken has to be asked again.
            if (from != control.known_loaned_bytes) move_now(row, from);
            continue;
        }
        const std::uint64_t page = std::uint64_t{1} << seen.domains.page_shift[row];
        const std::uint64_t step = owed <= room_bytes ? owed : room_bytes & ~(page - 1);
        given.kept_bytes += owed - step;
        if (step == 0) continue;
        std::string problem = move_now(row, from - step);
        // What a move that failed did not take is still there for others.
        const std::uint64_t gone = less(from, promised_loan_bytes(row));
        room_bytes = less(room_bytes, gone);
        given.asked_bytes += gone;
        const DomainKey& key = ledger.names()->key[row];
        if (!problem.empty())
            stop_failures.insert_or_assign(key, std::move(problem));
        else
            stop_failures.erase(key);
    }
    return given;
}

void Controller::State::give_back_and_log(std::span<const std::size_t> rows,
                                          std::uint64_t room_bytes) {
    stop_failures.clear();
    const GivenBack given = give_back(rows, room_bytes);
    for (const std::size_t row : rows) {
        const auto failed = stop_failures.find(ledger.names()->key[row]);
        if (failed != stop_failures.end())
            log::warn("{}: {}", ledger.names()->name[row], failed->second);
    }
    if (given.kept_bytes > 0)
        log::warn("{} stay lent for now: {}", format_size(given.kept_bytes), room_text());
}

}  // namespace ballast
