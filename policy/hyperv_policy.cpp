#include "policy/hyperv_policy.h"

#include <algorithm>
#include <vector>

#include "policy/memory_targets.h"
#include "policy/periodic.h"
#include "policy/row_state.h"
#include "policy/water_fill.h"

namespace ballast {
namespace {

// What a guest needs, and what it would best have.
struct Demand {
    bool known = false;
    double least_bytes = 0;
    double demand_bytes = 0;
    double wanted_bytes = 0;  // with its buffer
};

class HypervPolicy final : public Policy {
  public:
    explicit HypervPolicy(const PolicyChoice& choice)
        : buffer_(number_of(choice, "buffer_percent") / 100),
          deciding_(number_of(choice, "period_s")) {}

    void request(const Observation& seen, const PolicyInputs& inputs,
                 std::span<std::int64_t> request_bytes) override {
        if (rows_.follow(seen.domains, targets_)) {
            demands_.resize(targets_.size());
            takers_.resize(targets_.size());
        }
        if (deciding_.due(seen.at)) decide(seen, inputs);
        write_requests(seen.domains, inputs, targets_, request_bytes);
    }

  private:
    void decide(const Observation& seen, const PolicyInputs& inputs) {
        const auto free_bytes = host_free_bytes(seen, inputs);
        if (!free_bytes) return;
        double pool_bytes = *free_bytes;  // what there is for all of them
        double demanded_bytes = 0;
        for (std::size_t row = 0; row < demands_.size(); ++row) {
            demands_[row] = look(seen.domains, inputs, row);
            if (!demands_[row].known) continue;
            pool_bytes += static_cast<double>(kept_bytes(seen.domains, row));
            demanded_bytes += demands_[row].demand_bytes;
        }
        // Weights decide who has how much of its buffer; where not even the demands can be met,
        // they decide about those.
        const bool buffers = demanded_bytes <= pool_bytes;
        for (std::size_t row = 0; row < demands_.size(); ++row)
            takers_[row] = taker(demands_[row], shares_of(inputs, row), buffers);
        const double level = fill_level(takers_, pool_bytes);
        for (std::size_t row = 0; row < demands_.size(); ++row)
            if (demands_[row].known) lead(seen.domains, row, takers_[row].at(level));
    }

    Demand look(const DomainTable& domains, const PolicyInputs& inputs, std::size_t row) const {
        const auto used_bytes = guest_used_bytes(domains, row);
        if (!used_bytes || is_held(inputs, row)) return {};
        const auto total = static_cast<double>(domains.total_bytes[row]);
        const double least = std::min(total, static_cast<double>(least_bytes(inputs, row)));
        const auto bounded = [&](double bytes) { return std::clamp(bytes, least, total); };
        return {true, least, bounded(*used_bytes), bounded(*used_bytes * (1 + buffer_))};
    }

    static Taker taker(const Demand& demand, double shares, bool buffers) {
        const double least = buffers ? demand.demand_bytes : demand.least_bytes;
        // A guest without any weight still has what is left over by the others.
        return {least, std::max(shares, 1.0), least,
                buffers ? demand.wanted_bytes : demand.demand_bytes};
    }

    // A hundredth of what it keeps is not worth a move.
    void lead(const DomainTable& domains, std::size_t row, double memory_bytes) {
        const auto kept = static_cast<double>(kept_bytes(domains, row));
        if (std::abs(memory_bytes - kept) * 100 > kept) targets_[row].set(memory_bytes);
    }

    double buffer_;
    Periodic deciding_;
    RowFollower rows_;
    std::vector<Demand> demands_;
    std::vector<Taker> takers_;
    std::vector<MemoryTarget> targets_;
};

}  // namespace

std::unique_ptr<Policy> make_hyperv_policy(const PolicyChoice& choice) {
    return std::make_unique<HypervPolicy>(choice);
}

}  // namespace ballast
