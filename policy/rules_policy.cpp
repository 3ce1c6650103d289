#include "policy/rules_policy.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <utility>

#include "base/saturating.h"
#include "policy/memory_targets.h"
#include "policy/pace.h"
#include "policy/policy_settings.h"
#include "policy/row_state.h"
#include "policy/rules_samples.h"

namespace ballast {
namespace {

// Lends while the host is short and the guest is not; what they leave between them keeps a steady
// load from moving memory back and forth.
constexpr std::string_view kLendWhen = "host.available < 20% * host.total && usable > 30% * kept";
constexpr std::string_view kGiveBackWhen =
    "usable < 15% * kept || host.available > 30% * host.total";
constexpr std::string_view kLendStep = "5% * kept";
constexpr std::string_view kGiveBackStep = "max(10% * total, 64MiB)";

struct RuleTexts {
    rules::Expression lend_when;
    rules::Expression give_back_when;
    rules::Expression lend_step;
    rules::Expression give_back_step;
};

// Bytes; nothing where it is unknown, or less than nothing.
std::uint64_t step_of(const rules::Expression& step, const RulesSamples& samples) {
    const double bytes = step.number(samples);
    if (!(bytes > 0)) return 0;
    return bytes < 0x1p63 ? static_cast<std::uint64_t>(bytes) : std::uint64_t{1} << 63U;
}

class RulesPolicy final : public Policy {
  public:
    RulesPolicy(RuleTexts rules, Duration interval)
        : rules_(std::move(rules)),
          layout_({&rules_.lend_when, &rules_.give_back_when, &rules_.lend_step,
                   &rules_.give_back_step}),
          interval_(interval) {}

    void request(const Observation& seen, const PolicyInputs& inputs,
                 std::span<std::int64_t> request_bytes) override {
        if (states_.follow(seen.domains)) {
            for (std::size_t row = 0; row < states_.size(); ++row)
                states_[row].history.values.resize(layout_.size());
        }
        const double interval_s =
            pace_.last() ? std::chrono::duration<double>(seen.at - *pace_.last()).count() : kNever;
        const bool due = pace_.due(seen.at, interval_);
        for (std::size_t row = 0; row < request_bytes.size(); ++row) {
            State& state = states_[row];
            const std::uint64_t total = seen.domains.total_bytes[row];
            const std::uint64_t loaned = seen.domains.loaned_bytes[row];
            const std::uint64_t min_mem = least_bytes(inputs, row);
            if (due) state.history.add(layout_, rules_figures_of(seen, row, min_mem, interval_s));
            if (is_held(inputs, row))
                state.loan_target_bytes = kUnknownBytes;
            else if (due)
                decide(state, loaned, less(total, min_mem));
            request_bytes[row] =
                state.loan_target_bytes == kUnknownBytes
                    ? 0
                    : request_to_lend(seen.domains, row, std::min(state.loan_target_bytes, total));
        }
    }

  private:
    static constexpr double kNever = std::numeric_limits<double>::quiet_NaN();
    struct State {
        RulesHistory history;
        std::uint64_t loan_target_bytes = kUnknownBytes;  // none
    };

    // What a guest needs comes before what others would like to have.
    void decide(State& state, std::uint64_t loaned, std::uint64_t most) const {
        const RulesSamples samples(layout_, state.history);
        if (rules_.give_back_when.condition(samples) == rules::Answer::yes) {
            state.loan_target_bytes = less(loaned, step_of(rules_.give_back_step, samples));
        } else if (rules_.lend_when.condition(samples) == rules::Answer::yes) {
            const std::uint64_t step = step_of(rules_.lend_step, samples);
            state.loan_target_bytes = std::max(loaned, std::min(most, most_of(loaned, step)));
        } else {
            // It stays as it is, however far it came.
            state.loan_target_bytes = kUnknownBytes;
        }
    }

    static std::uint64_t most_of(std::uint64_t a, std::uint64_t b) {
        return a + std::min(b, std::numeric_limits<std::uint64_t>::max() - a);
    }

    RuleTexts rules_;
    RulesLayout layout_;
    Duration interval_;
    Pace pace_;
    RowStates<State> states_;
};

}  // namespace

std::span<const std::string_view> rules_figures() noexcept {
    return kRulesFigures;
}

Result<std::unique_ptr<Policy>> make_rules_policy(const PolicyChoice& choice) {
    RuleTexts texts;
    struct Part {
        std::string_view name;
        std::string_view otherwise;
        rules::Kind kind;
        rules::Expression* into;
    };
    for (const Part& part :
         {Part{"lend_when", kLendWhen, rules::Kind::condition, &texts.lend_when},
          Part{"give_back_when", kGiveBackWhen, rules::Kind::condition, &texts.give_back_when},
          Part{"lend_step", kLendStep, rules::Kind::number, &texts.lend_step},
          Part{"give_back_step", kGiveBackStep, rules::Kind::number, &texts.give_back_step}}) {
        Result<rules::Expression> read =
            rules::parse(text_of(choice, part.name, part.otherwise), part.kind, kRulesFigures);
        if (!read) return with_context(read.error(), part.name);
        *part.into = std::move(*read);
    }
    const std::chrono::duration<double> interval(number_of(choice, "interval_s"));
    return std::make_unique<RulesPolicy>(std::move(texts),
                                         std::chrono::duration_cast<Duration>(interval));
}

}  // namespace ballast
