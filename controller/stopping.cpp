// Before the daemon goes: what was lent goes back.
#include <algorithm>

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

void Controller::State::tell_of_crashed() const {
    for (std::size_t row = 0; row < ledger.controls().size(); ++row)
        if (has_crashed(row) && lent_bytes(row) > 0)
            log::warn("{}: the guest has crashed; it has {} back once it is reset",
                      ledger.names()->name[row], format_size(lent_bytes(row)));
}

bool Controller::State::give_everything_back() {
    process_events();
    if (dry_run) return true;
    if (observed_once && observe()) {
        adopt_new_rows();
        const auto controls = ledger.controls();
        const Time now = clock.now();
        for (std::size_t row = 0; row < controls.size(); ++row) {
            const std::uint64_t loaned_bytes = seen.domains.loaned_bytes[row];
            const bool unchanged = loaned_bytes == controls[row].known_loaned_bytes;
            controls[row].book_loaned(loaned_bytes);
            if (backend.capabilities().asynchronous && !follow_reboot(row, now))
                nudge_silent_driver(row, unchanged, now);
        }
    }
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        // Crashed ones as well: what is set is what the next driver begins with.
        if (lent_bytes(row) > 0) move_now(row, controls[row].original_loaned_bytes);
    }
    if (observed_once) keep_travelling_books(clock.now());
    if (lent_bytes() > 0) return false;
    tell_of_crashed();
    return true;
}

}  // namespace ballast
