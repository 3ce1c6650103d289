#include "controller/dry_run_log.h"

#include <algorithm>

#include "base/log.h"
#include "base/units.h"

namespace ballast {
namespace {

std::uint64_t distance(std::uint64_t a, std::uint64_t b) noexcept {
    return std::max(a, b) - std::min(a, b);
}

}  // namespace

void DryRunLog::tick(const Snapshot& snapshot) {
    const DomainNames& names = *snapshot.names;
    for (std::size_t row = 0; row < snapshot.decisions.size(); ++row) {
        const Decision& decision = snapshot.decisions[row];
        const bool would_move = decision.decided_bytes != decision.loaned_before_bytes;
        const auto known = logged_.find(names.key[row]);
        if (!would_move && known == logged_.end()) continue;
        const std::uint64_t before =
            known == logged_.end() ? decision.loaned_before_bytes : known->second;
        const std::uint64_t worth = decision.total_bytes / kWorthALine;
        if (would_move && distance(decision.decided_bytes, before) < worth) continue;
        log::info("{}: would lend {}, and lends {} ({})", full_name(names, row),
                  format_size(decision.decided_bytes), format_size(decision.loaned_before_bytes),
                  to_string(decision.constraint));
        if (would_move)
            logged_[names.key[row]] = decision.decided_bytes;
        else
            logged_.erase(known);
    }
    if (logged_.size() <= snapshot.decisions.size()) return;
    // Domains that are gone.
    std::erase_if(logged_, [&](const auto& entry) {
        return std::find(names.key.begin(), names.key.end(), entry.first) == names.key.end();
    });
}

}  // namespace ballast
