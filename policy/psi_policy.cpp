#include "policy/psi_policy.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "policy/memory_targets.h"
#include "policy/periodic.h"
#include "policy/row_state.h"

namespace ballast {
namespace {

// How far a count that only ever rises has come since it was last looked at.
class Counter {
  public:
    // nullopt: not known, then or now, or the count began anew.
    std::optional<double> advance(std::uint64_t now) {
        const std::uint64_t before = last_;
        last_ = now;
        if (before == kUnknownBytes || now == kUnknownBytes || now < before) return std::nullopt;
        return static_cast<double>(now - before);
    }

  private:
    std::uint64_t last_ = kUnknownBytes;
};

class PsiPolicy final : public Policy {
  public:
    explicit PsiPolicy(const PolicyChoice& choice)
        : budget_us_(number_of(choice, "budget_ms") * 1000),
          fault_us_(number_of(choice, "fault_us")),
          most_probe_(number_of(choice, "most_probe_percent") / 100),
          deciding_(number_of(choice, "window_s")) {}

    void request(const Observation& seen, const PolicyInputs& inputs,
                 std::span<std::int64_t> request_bytes) override {
        rows_.follow(seen.domains, faults_, targets_);
        if (deciding_.due(seen.at)) decide(seen, inputs);
        write_requests(seen.domains, inputs, targets_, request_bytes);
    }

  private:
    void decide(const Observation& seen, const PolicyInputs& inputs) {
        const auto host_stall_us = host_stalls_.advance(seen.host.memory_stall_us);
        const bool host_short = host_stall_us && *host_stall_us > budget_us_;
        for (std::size_t row = 0; row < faults_.size(); ++row) {
            const auto faults = faults_[row].advance(seen.domains.major_faults[row]);
            if (!faults || is_held(inputs, row)) continue;
            const auto kept = static_cast<double>(kept_bytes(seen.domains, row));
            const double stall_us = *faults * fault_us_;
            double share = probe_share(stall_us, budget_us_, most_probe_);
            // A host that stalls itself takes the full step from everyone within the budget.
            if (host_short && share < 0) share = -most_probe_;
            // A minimum keeps memory from being taken; it gives none back.
            const double least = std::min(kept, static_cast<double>(least_bytes(inputs, row)));
            targets_[row].set(std::max(least, kept * (1 + share)));
        }
    }

    double budget_us_;
    double fault_us_;
    double most_probe_;
    Periodic deciding_;
    RowFollower rows_;
    Counter host_stalls_;
    std::vector<Counter> faults_;
    std::vector<MemoryTarget> targets_;
};

}  // namespace

double probe_share(double stall_us, double budget_us, double most_probe) {
    // Ten times below the budget is as good as no stall; twenty times above, memory is doubled.
    constexpr double probe_softness = 10;
    constexpr double backoff_softness = 20;
    if (stall_us > budget_us) {
        const double excess = stall_us / budget_us / backoff_softness;
        return std::min(1.0, excess * excess);
    }
    const double ease = stall_us > 0 ? budget_us / stall_us / probe_softness : 1.0;
    return -most_probe * std::min(1.0, ease * ease);
}

std::unique_ptr<Policy> make_psi_policy(const PolicyChoice& choice) {
    return std::make_unique<PsiPolicy>(choice);
}

}  // namespace ballast
