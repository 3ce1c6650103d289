// Nothing is lent before it is on disk what a domain came with: whoever starts next has to know it.
#include "controller/controller_state.h"
#include "controller/runtime_settings.h"

namespace ballast {

void Controller::State::mark_unsaved() {
    unsaved_domains = 0;
    if (books == nullptr) return;
    const bool can_write = books->can_write();
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        DomainControl& control = controls[row];
        const bool durable = books->is_durable(row, control.original_loaned_bytes);
        control.unsaved = !can_write || !durable;
        if (!durable && control.adopted) ++unsaved_domains;
    }
}

// The hypervisor keeps a second copy of what they came with.
void Controller::State::note_who_is_about_to_lend(const Snapshot& snapshot) noexcept {
    const auto controls = ledger.controls();
    for (std::size_t row = 0; row < controls.size(); ++row) {
        const Decision& decision = snapshot.decisions[row];
        controls[row].about_to_lend =
            decision.decided_bytes > decision.loaned_before_bytes ||
            (decision.constraint == Constraint::state_unsaved && decision.request_bytes > 0);
    }
}

StateHealth Controller::State::state_health() const {
    StateHealth health;
    if (books != nullptr) health = books->health();
    health.unsaved_domains = unsaved_domains;
    health.recovered_domains = recovered_domains;
    health.settings = to_text(runtime);
    health.domains_with_settings = ledger.domains_with_settings();
    return health;
}

void Controller::State::remember_settings(std::size_t row) {
    if (books != nullptr) books->keep_settings(row, to_text(ledger.own_settings(row)));
}

void Controller::State::remember_settings_for_all() {
    if (books != nullptr) books->keep_settings_for_all(to_text(runtime));
}

}  // namespace ballast
