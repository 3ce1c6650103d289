#include "policy/esx_policy.h"

#include <algorithm>
#include <vector>

#include "policy/memory_targets.h"
#include "policy/periodic.h"
#include "policy/row_state.h"
#include "policy/water_fill.h"

namespace ballast {
namespace {

constexpr double sample_period_s = 30;

// Of the host's free memory, by which memory is given back, taken in steps, or taken at once. (The
// original pages guests out in state hard and stops them in state low; a balloon can do neither.)
enum class FreeState : std::uint8_t { high, soft, hard };

class EsxPolicy final : public Policy {
  public:
    explicit EsxPolicy(const PolicyChoice& choice)
        : idle_price_(1 / (1 - number_of(choice, "idle_tax_percent") / 100)),
          high_(number_of(choice, "free_high_percent") / 100),
          soft_(number_of(choice, "free_soft_percent") / 100),
          hard_(number_of(choice, "free_hard_percent") / 100),
          soft_step_(number_of(choice, "soft_step_percent") / 100),
          deciding_(number_of(choice, "period_s")) {}

    void request(const Observation& seen, const PolicyInputs& inputs,
                 std::span<std::int64_t> request_bytes) override {
        if (rows_.follow(seen.domains, active_, targets_)) takers_.resize(targets_.size());
        if (sampling_.due(seen.at)) sample(seen.domains);
        if (deciding_.due(seen.at)) decide(seen, inputs);
        write_requests(seen.domains, inputs, targets_, request_bytes);
    }

  private:
    void sample(const DomainTable& domains) {
        for (std::size_t row = 0; row < active_.size(); ++row) {
            const auto used_bytes = guest_used_bytes(domains, row);
            const auto kept = static_cast<double>(kept_bytes(domains, row));
            if (used_bytes && kept > 0) active_[row].look(*used_bytes / kept);
        }
    }

    // Down at once, up only when the mark above is reached again.
    void enter(double free) {
        if (free >= high_) state_ = FreeState::high;
        if (free >= soft_ && state_ == FreeState::hard) state_ = FreeState::soft;
        if (free < soft_ && state_ == FreeState::high) state_ = FreeState::soft;
        if (free < hard_) state_ = FreeState::hard;
    }

    void decide(const Observation& seen, const PolicyInputs& inputs) {
        const auto free_bytes = host_free_bytes(seen, inputs);
        if (!free_bytes || seen.host.total_bytes == kUnknownBytes || seen.host.total_bytes == 0)
            return;
        const auto total_bytes = static_cast<double>(seen.host.total_bytes);
        enter(*free_bytes / total_bytes);
        double spare_bytes = *free_bytes - high_ * total_bytes;
        if (state_ == FreeState::soft)
            spare_bytes = std::max(spare_bytes, -soft_step_ * total_bytes);
        const bool giving = state_ == FreeState::high;
        double kept_together = 0;
        for (std::size_t row = 0; row < takers_.size(); ++row) {
            takers_[row] =
                is_held(inputs, row) ? Taker{} : taker(seen.domains, inputs, row, giving);
            if (!is_held(inputs, row))
                kept_together += static_cast<double>(kept_bytes(seen.domains, row));
        }
        // Those whose shares buy least a page are the first to fall below the level, and the last
        // to rise above it.
        const double level = fill_level(takers_, kept_together + spare_bytes);
        for (std::size_t row = 0; row < takers_.size(); ++row) {
            if (is_held(inputs, row)) continue;
            // One whose turn it is not goes on to where it was led before.
            const double memory_bytes = takers_[row].at(level);
            if (memory_bytes != static_cast<double>(kept_bytes(seen.domains, row)))
                targets_[row].set(memory_bytes);
        }
    }

    // Shares per page are S / (P * (f + k * (1 - f))); equal for all where P is in proportion to
    // S / (f + k * (1 - f)).
    Taker taker(const DomainTable& domains, const PolicyInputs& inputs, std::size_t row,
                bool giving) const {
        const double active = active_[row].value();
        const auto kept = static_cast<double>(kept_bytes(domains, row));
        const double least = std::min(kept, static_cast<double>(least_bytes(inputs, row)));
        return {.weight = shares_of(inputs, row) / (active + idle_price_ * (1 - active)),
                .least = giving ? kept : least,
                .most = giving ? static_cast<double>(domains.total_bytes[row]) : kept};
    }

    double idle_price_;
    double high_;
    double soft_;
    double hard_;
    double soft_step_;
    FreeState state_ = FreeState::high;
    Periodic sampling_{sample_period_s};
    Periodic deciding_;
    RowFollower rows_;
    std::vector<ActiveShare> active_;
    std::vector<Taker> takers_;
    std::vector<MemoryTarget> targets_;
};

}  // namespace

void ActiveShare::look(double now) {
    constexpr double slow_gain = 0.1;
    constexpr double fast_gain = 0.5;
    now = std::clamp(now, 0.0, 1.0);
    slow_ = begun_ ? slow_ + slow_gain * (now - slow_) : now;
    fast_ = begun_ ? fast_ + fast_gain * (now - fast_) : now;
    last_ = now;
    begun_ = true;
}

double ActiveShare::value() const {
    return std::max({slow_, fast_, last_});
}

std::unique_ptr<Policy> make_esx_policy(const PolicyChoice& choice) {
    return std::make_unique<EsxPolicy>(choice);
}

}  // namespace ballast
