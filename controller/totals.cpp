#include "controller/totals.h"

namespace ballast {

Totals totals_of(const Snapshot& snapshot) noexcept {
    Totals totals;
    totals.domains = snapshot.decisions.size();
    totals.inflated_bytes = snapshot.gone_inflated_bytes;
    totals.deflated_bytes = snapshot.gone_deflated_bytes;
    for (const Decision& decision : snapshot.decisions) {
        totals.total_bytes += decision.total_bytes;
        totals.loaned_bytes += decision.loaned_after_bytes;
        totals.loan_target_bytes += decision.loan_target_bytes;
        totals.decided_bytes += decision.decided_bytes;
        totals.oom_freed_bytes += decision.oom_freed_bytes;
        totals.inflated_bytes += decision.inflated_total_bytes;
        totals.deflated_bytes += decision.deflated_total_bytes;
        totals.constrained[static_cast<std::size_t>(decision.constraint)] += 1;
    }
    return totals;
}

}  // namespace ballast
