// Books that the hypervisor keeps with a domain: a host that it migrates to goes on with them.
#include "controller/controller_state.h"

namespace ballast {
namespace {

// A credit that decays is not written at each of its steps.
constexpr Duration kAtMostEvery = std::chrono::seconds(10);
// What could not be written then is written now.
constexpr Duration kLookAgainAfter = std::chrono::minutes(1);

// Nothing where nothing of ours is in it: others' domains are left as they are.
std::optional<CarriedBooks> worth_keeping(const DomainControl& control) noexcept {
    const bool ours =
        control.known_loaned_bytes > control.original_loaned_bytes || control.about_to_lend;
    if (!ours && control.oom_freed_bytes == 0) return std::nullopt;
    return CarriedBooks{control.original_loaned_bytes, control.oom_freed_bytes};
}

}  // namespace

void Controller::State::keep_travelling_books(Time now, bool urgently) {
    constexpr DomainFlags kNotNow = DomainFlags::migrating | DomainFlags::saving |
                                    DomainFlags::starting | DomainFlags::unanswered;
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        DomainControl& control = controls[row];
        const auto wanted = worth_keeping(control);
        const bool same = wanted == control.carried;
        const auto& last = same ? control.carried_seen_at : control.carried_told_at;
        if (last && now - *last < (same ? kLookAgainAfter : kAtMostEvery) && (same || !urgently))
            continue;
        if (!control.adopted || control.migrating ||
            (seen.domains.flags[row] & kNotNow) != DomainFlags::none)
            continue;
        const DomainKey& key = seen.domains.key[row];
        control.carried = wanted;
        control.carried_seen_at = now;
        if (backend.carried_books(key) == wanted) continue;
        backend.keep_books(key, wanted);
        control.carried_told_at = now;
    }
}

}  // namespace ballast
