#include "policy/squeezed_policy.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/saturating.h"
#include "base/units.h"
#include "policy/memory_targets.h"
#include "policy/pace.h"
#include "policy/peers/squeezed_calls.h"
#include "policy/policy_settings.h"
#include "policy/row_state.h"

namespace ballast {
namespace {

constexpr std::int64_t kNone = -1;
constexpr std::uint64_t kLeastInaccuracyKib = 4;

Duration seconds(double value) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value));
}

std::int64_t kib(std::uint64_t bytes) {
    return static_cast<std::int64_t>(bytes / kKiB);
}

class SqueezedPolicy final : public Policy {
  public:
    explicit SqueezedPolicy(const PolicyChoice& choice)
        : check_every_(seconds(number_of(choice, "check_interval_s"))),
          round_every_(seconds(number_of(choice, "round_interval_s"))),
          free_kib_(static_cast<std::int64_t>(number_of(choice, "host_free_mib")) * 1024),
          tolerance_kib_(static_cast<std::int64_t>(number_of(choice, "tolerance_kib"))) {}

    void request(const Observation& seen, const PolicyInputs& inputs,
                 std::span<std::int64_t> request_bytes) override {
        follow(seen.domains);
        if (seen.host.available_bytes != kUnknownBytes) balance(seen, inputs);
        for (std::size_t row = 0; row < request_bytes.size(); ++row) {
            State& state = states_[row];
            if (is_held(inputs, row)) state.target_kib = kNone;
            request_bytes[row] =
                state.target_kib == kNone ? 0 : request_of(seen.domains, row, state.target_kib);
        }
    }

  private:
    struct State {
        std::int64_t domid = 0;  // 0 = none yet; domain 0 is special there
        std::int64_t target_kib = kNone;
    };

    // Lists go down by domid there, which says nothing of a row.
    void follow(const DomainTable& domains) {
        if (!states_.follow(domains)) return;
        for (std::size_t row = 0; row < states_.size(); ++row)
            if (states_[row].domid == 0) states_[row].domid = ++last_domid_;
        rows_.resize(states_.size());
        std::iota(rows_.begin(), rows_.end(), std::size_t{0});
        std::sort(rows_.begin(), rows_.end(), [this](std::size_t a, std::size_t b) {
            return states_[a].domid > states_[b].domid;
        });
    }

    // A check, or the next round of a change that a check began.
    void balance(const Observation& seen, const PolicyInputs& inputs) {
        if (!pace_.due(seen.at, changing_ ? round_every_ : check_every_)) return;
        const double now_s = std::chrono::duration<double>(seen.at.time_since_epoch()).count();
        snapshot(seen, inputs);
        if (!changing_) prepare(inputs);
        change_->round(now_s, host_);
        // What is_host_memory_unbalanced looks at is what the first round of a change would set.
        changing_ = changing_ || squeezed::changes_any(host_, change_->targets());
        if (changing_) apply();
        if (change_->end()) changing_ = false;
    }

    void prepare(const PolicyInputs& inputs) {
        const std::int64_t free_kib = free_kib_ > 0 ? free_kib_ : kib(inputs.host_reserve_bytes);
        if (change_ && free_kib == settings_.host_target_kib) return change_->restart();
        settings_ = {.host_target_kib = free_kib, .tolerance_kib = tolerance_kib_};
        change_.emplace(free_kib, free_kib, squeezed::balanced(settings_));
    }

    void snapshot(const Observation& seen, const PolicyInputs& inputs) {
        const DomainTable& domains = seen.domains;
        host_.free_kib = kib(seen.host.available_bytes);
        host_.domains.clear();
        placed_.clear();
        for (const std::size_t row : rows_) {
            if (is_held(inputs, row)) continue;
            const std::uint64_t total = domains.total_bytes[row];
            const std::uint64_t min_mem = std::min(least_bytes(inputs, row), total);
            const std::uint64_t page_kib = (std::uint64_t{1} << domains.page_shift[row]) / kKiB;
            const auto inaccuracy_kib =
                static_cast<std::int64_t>(std::max(kLeastInaccuracyKib, page_kib));
            const std::int64_t actual_kib = kib(less(total, domains.loaned_bytes[row]));
            host_.domains.push_back(
                {.domid = states_[row].domid,
                 .can_balloon = true,
                 .min_kib = kib(min_mem),
                 .max_kib = kib(total),
                 .target_kib = target_of(states_[row].target_kib, total, set_bytes(inputs, row),
                                         actual_kib, inaccuracy_kib),
                 .actual_kib = actual_kib,
                 .inaccuracy_kib = inaccuracy_kib});
            placed_.push_back(row);
        }
    }

    // The target as it is set: our own, unless the controller set another one. It may have been
    // rounded to pages.
    static std::int64_t target_of(std::int64_t own_kib, std::uint64_t total_bytes,
                                  std::uint64_t set_bytes, std::int64_t actual_kib,
                                  std::int64_t page_kib) {
        if (set_bytes == kUnknownBytes) return own_kib == kNone ? actual_kib : own_kib;
        const std::int64_t set_kib = kib(less(total_bytes, set_bytes));
        const bool rounded =
            own_kib != kNone && own_kib - set_kib <= page_kib && set_kib - own_kib <= page_kib;
        return rounded ? own_kib : set_kib;
    }

    // Limits ascend by domid, and the snapshot descends. A limit is the target, too.
    void apply() {
        const auto& limits = change_->limits();
        for (std::size_t i = 0; i < limits.size(); ++i)
            states_[placed_[placed_.size() - 1 - i]].target_kib = limits[i].target_kib;
    }

    static std::int64_t request_of(const DomainTable& domains, std::size_t row,
                                   std::int64_t target_kib) {
        const std::uint64_t total = domains.total_bytes[row];
        // The total need not be whole KiB.
        const std::uint64_t kept =
            target_kib == kib(total) ? total : static_cast<std::uint64_t>(target_kib) * kKiB;
        return request_to_lend(domains, row, less(total, kept));
    }

    Duration check_every_;
    Duration round_every_;
    std::int64_t free_kib_;  // 0 = the controller's own reserve
    std::int64_t tolerance_kib_;

    RowStates<State> states_;
    std::int64_t last_domid_ = 0;
    std::vector<std::size_t> rows_;  // by descending domid
    Pace pace_;
    bool changing_ = false;
    squeezed::Settings settings_;
    std::optional<squeezed::Change> change_;
    squeezed::Host host_;
    std::vector<std::size_t> placed_;  // the rows of host_.domains
};

}  // namespace

std::unique_ptr<Policy> make_squeezed_policy(const PolicyChoice& choice) {
    return std::make_unique<SqueezedPolicy>(choice);
}

}  // namespace ballast
