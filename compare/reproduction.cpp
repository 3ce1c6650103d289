#include "compare/reproduction.h"

#include <algorithm>
#include <cmath>

namespace ballast::compare {
namespace {

// Times of a tick, there and here.
constexpr double kSame_s = 1e-6;

}  // namespace

void Reproduction::look(const RunTick& tick) {
    const SimHost& host = tick.host;
    const double at_s = host.at_s();
    const auto& points = recording_.outcome.lent.points;
    while (next_lent_ < points.size() && points[next_lent_].at_s <= at_s + kSame_s) ++next_lent_;
    const double recorded = next_lent_ == 0 ? 0 : points[next_lent_ - 1].bytes;
    double lent = 0;
    for (const std::size_t vm : host.rows()) lent += static_cast<double>(host.reported_loan(vm));
    lent_ += recorded;
    replayed_ += lent;
    beside_ += std::abs(lent - recorded);

    const auto& decisions = recording_.outcome.decisions;
    for (; next_decision_ < decisions.size(); ++next_decision_) {
        const RecordedFigures& made = decisions[next_decision_];
        if (made.at_s > at_s + kSame_s) break;
        if (made.at_s < at_s - kSame_s) continue;
        const auto rows = host.rows();
        const auto found = std::find(rows.begin(), rows.end(), made.vm);
        if (found == rows.end()) continue;
        const auto row = static_cast<std::size_t>(found - rows.begin());
        const SimGuest& guest = host.guest(made.vm);
        const bool same_figures =
            made.total_bytes == static_cast<std::uint64_t>(guest.capacity()) &&
            made.loaned_bytes == static_cast<std::uint64_t>(host.reported_loan(made.vm)) &&
            made.usable_bytes == static_cast<std::uint64_t>(guest.usable()) &&
            made.host_available_bytes == static_cast<std::uint64_t>(host.available());
        if (!same_figures) continue;
        ++same_figures_;
        const bool same = tick.loan[row] == host.reported_loan(made.vm) + made.request_bytes &&
                          tick.decided[row] == static_cast<Bytes>(made.decided_bytes);
        same_decisions_ += same ? 1 : 0;
    }
}

double Reproduction::lent_differs_percent() const noexcept {
    if (lent_ > 0) return 100 * beside_ / lent_;
    return replayed_ > 0 ? 100 : 0;
}

}  // namespace ballast::compare
