#include "policy/mom_policy.h"

#include <array>
#include <cmath>
#include <vector>

#include "policy/memory_targets.h"
#include "policy/peers/mom.h"
#include "policy/periodic.h"
#include "policy/row_state.h"

namespace ballast {
namespace {

constexpr double sample_period_s = 5;

// The last samples of one figure, in KiB.
class Window {
  public:
    void add(std::uint64_t bytes) {
        kib_[next_] = bytes == kUnknownBytes ? bytes : bytes / 1024;
        next_ = static_cast<std::uint8_t>((next_ + 1) % kib_.size());
        if (count_ < kib_.size()) ++count_;
    }
    // Whole KiB add up to the same in any order.
    std::optional<double> average() const {
        std::array<std::optional<double>, 10> samples;
        for (std::size_t index = 0; index < samples.size(); ++index)
            if (index < count_ && kib_[index] != kUnknownBytes)
                samples[index] = static_cast<double>(kib_[index]);
        return mom::average({samples.data(), count_});
    }

  private:
    std::array<std::uint64_t, 10> kib_{};
    std::uint8_t next_ = 0;
    std::uint8_t count_ = 0;
};

struct GuestSamples {
    Window kept;
    Window unused;
};

class MomPolicy final : public Policy {
  public:
    explicit MomPolicy(const PolicyChoice& choice)
        : rules_{.pressure_threshold = number_of(choice, "pressure_percent") / 100,
                 .pressure_critical = number_of(choice, "critical_percent") / 100,
                 .guest_free = number_of(choice, "guest_free_percent") / 100,
                 .most_change = number_of(choice, "most_change_percent") / 100,
                 .least_change = number_of(choice, "least_change_percent") / 100},
          deciding_(number_of(choice, "period_s"), true) {}

    void request(const Observation& seen, const PolicyInputs& inputs,
                 std::span<std::int64_t> request_bytes) override {
        rows_.follow(seen.domains, samples_, targets_);
        if (sampling_.due(seen.at)) sample(seen, inputs);
        if (deciding_.due(seen.at)) decide(seen, inputs);
        write_requests(seen.domains, inputs, targets_, request_bytes);
    }

  private:
    void sample(const Observation& seen, const PolicyInputs& inputs) {
        const std::uint64_t available = seen.host.available_bytes;
        host_free_.add(available == kUnknownBytes ? available
                                                  : less(available, inputs.host_reserve_bytes));
        for (std::size_t row = 0; row < samples_.size(); ++row) {
            samples_[row].kept.add(kept_bytes(seen.domains, row));
            samples_[row].unused.add(seen.domains.unused_bytes[row]);
        }
    }

    void decide(const Observation& seen, const PolicyInputs& inputs) {
        const auto kib = [](std::uint64_t bytes) { return static_cast<double>(bytes / 1024); };
        std::optional<double> total_kib;
        if (seen.host.total_bytes != kUnknownBytes) total_kib = kib(seen.host.total_bytes);
        const auto host_free = mom::host_free(host_free_.average(), total_kib);
        if (!host_free) return;
        for (std::size_t row = 0; row < samples_.size(); ++row) {
            // Everything that the rules read is known, so that no guest drops the others' cycle.
            if (is_held(inputs, row)) continue;
            const mom::Guest guest{
                .balloon_cur_kib = kib(kept_bytes(seen.domains, row)),
                .balloon_cur_average_kib = samples_[row].kept.average(),
                .mem_unused_average_kib = samples_[row].unused.average(),
                .balloon_min_kib = kib(least_bytes(inputs, row)),
                .balloon_max_kib = kib(seen.domains.total_bytes[row]),
            };
            const auto target_kib = mom::judge(guest, *host_free, rules_).memory_target_kib;
            if (target_kib) targets_[row].set(std::trunc(*target_kib) * 1024);
        }
    }

    mom::Rules rules_;
    Periodic sampling_{sample_period_s};
    Periodic deciding_;
    RowFollower rows_;
    Window host_free_;
    std::vector<GuestSamples> samples_;
    std::vector<MemoryTarget> targets_;
};

}  // namespace

std::unique_ptr<Policy> make_mom_policy(const PolicyChoice& choice) {
    return std::make_unique<MomPolicy>(choice);
}

}  // namespace ballast
