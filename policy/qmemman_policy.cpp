#include "policy/qmemman_policy.h"

#include <vector>

#include "base/units.h"
#include "policy/memory_targets.h"
#include "policy/peers/qmemman_calls.h"
#include "policy/row_state.h"

namespace ballast {
namespace {

using qmemman::Want;

// A call for balance begins on every tick on which none is under way; its pauses last to the next.
class QmemmanPolicy final : public Policy {
  public:
    explicit QmemmanPolicy(const PolicyChoice& choice)
        : system_({.cache_factor = number_of(choice, "cache_factor"),
                   .least_pref_bytes = number_of(choice, "least_pref_mib") * qmemman::mib}) {}

    void request(const Observation& seen, const PolicyInputs& inputs,
                 std::span<std::int64_t> request_bytes) override {
        // A call that is under way knows domains by their rows.
        if (rows_.follow(seen.domains, system_.domains, system_.limits, targets_)) paused_ = false;
        for (std::size_t row = 0; row < targets_.size(); ++row) look_at(seen.domains, inputs, row);
        if (const auto free_bytes = host_free_bytes(seen, inputs)) run(seen.domains, *free_bytes);
        for (const qmemman::Request& set : system_.sets())
            targets_[set.row].set(set.memory_target_bytes);
        system_.forget_sets();
        write_requests(seen.domains, inputs, targets_, request_bytes);
    }

  private:
    void look_at(const DomainTable& domains, const PolicyInputs& inputs, std::size_t row) {
        qmemman::Domain& domain = system_.domains[row];
        domain.used_bytes = is_held(inputs, row) ? std::nullopt : guest_used_bytes(domains, row);
        system_.limits[row].static_max_bytes = static_cast<double>(domains.total_bytes[row]);
        // What it was really set to, which may be less than what was asked for here.
        const std::uint64_t set = inputs.set_bytes.empty() ? kUnknownBytes : inputs.set_bytes[row];
        if (set != kUnknownBytes) {
            domain.last_target_bytes = static_cast<double>(less(domains.total_bytes[row], set));
        } else if (domain.last_target_bytes == 0) {
            domain.last_target_bytes = static_cast<double>(kept_bytes(domains, row));
        }
    }

    void run(const DomainTable& domains, double free_bytes) {
        Want want = paused_ ? call_.resume(0) : call_.start();
        while (want == Want::memory || want == Want::free) {
            if (want == Want::memory) {
                for (std::size_t row = 0; row < targets_.size(); ++row)
                    system_.refresh(row, static_cast<double>(kept_bytes(domains, row)));
                want = call_.resume(0);
            } else {
                want = call_.resume(system_.free_bytes(free_bytes));
            }
        }
        paused_ = want == Want::pause;
    }

    RowFollower rows_;
    qmemman::System system_;
    qmemman::BalanceCall call_{system_};
    bool paused_ = false;
    std::vector<MemoryTarget> targets_;
};

}  // namespace

std::unique_ptr<Policy> make_qmemman_policy(const PolicyChoice& choice) {
    return std::make_unique<QmemmanPolicy>(choice);
}

}  // namespace ballast
