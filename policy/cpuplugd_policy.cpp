#include "policy/cpuplugd_policy.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "policy/guest_samples.h"
#include "policy/memory_targets.h"
#include "policy/pace.h"
#include "policy/peers/cpuplugd.h"
#include "policy/policy_settings.h"
#include "policy/row_state.h"

namespace ballast {
namespace {

constexpr std::uint64_t kCmmPageBytes = 4096;

// The rules that cpuplugd comes with, but for the first: nobody tells from outside how many pages a
// guest scans, so that major faults stand for it.
constexpr std::string_view kVariables =
    "majfaultrate = (vmstat.pgmajfault - vmstat.pgmajfault[1]) / (time - time[1]);"
    "avail_cache = meminfo.Cached - meminfo.Shmem";
constexpr std::string_view kPlug = "majfaultrate > 20";
constexpr std::string_view kUnplug = "meminfo.MemFree + avail_cache > meminfo.MemTotal / 10";
constexpr std::string_view kIncrement = "meminfo.MemFree / 40";
constexpr std::string_view kDecrement = "meminfo.MemTotal / 40";

std::string without_blanks(std::string_view text) {
    std::string kept(text);
    std::erase_if(kept, [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); });
    return kept;
}

// The texts of one choice, and what is wrong with them.
class Texts {
  public:
    explicit Texts(const PolicyChoice& choice) : choice_(choice) {}

    // NAME=EXPRESSION, and more of them behind semicolons.
    Result<void> read_variables() {
        const std::string all = without_blanks(text_of(choice_, "variables", kVariables));
        for (std::string_view rest = all; !rest.empty();) {
            const std::string_view line = rest.substr(0, rest.find(';'));
            rest.remove_prefix(std::min(rest.size(), line.size() + 1));
            const std::size_t equals = line.find('=');
            if (line.empty()) continue;
            if (equals == std::string_view::npos || equals == 0)
                return fail(Errc::invalid_argument,
                            "variables: '" + std::string(line) +
                                "' is no variable, expected NAME=EXPRESSION");
            if (!variables_.add(line.substr(0, equals), line.substr(equals + 1)))
                return fail(Errc::invalid_argument,
                            "variables: the name '" + std::string(line.substr(0, equals)) +
                                "' is taken, or longer than 128 characters");
        }
        return {};
    }

    Result<cpuplugd::Term> term(std::string_view name, std::string_view otherwise) const {
        const std::string text = without_blanks(text_of(choice_, name, otherwise));
        cpuplugd::Parsed parsed = cpuplugd::parse(text, variables_);
        if (!parsed.term) {
            std::string place = std::string(name);
            if (!parsed.variable.empty()) place += ": variable '" + parsed.variable + "'";
            return fail(Errc::invalid_argument, place + ": no expression from character " +
                                                    std::to_string(parsed.column) +
                                                    " on, blanks not counted");
        }
        for (const cpuplugd::Term::Node& node : parsed.term->nodes) {
            if (told(node)) continue;
            const cpuplugd::Term one{{node}};
            return fail(Errc::invalid_argument, std::string(name) + ": nobody tells '" +
                                                    cpuplugd::to_string(one) + "' of a guest");
        }
        return std::move(*parsed.term);
    }

  private:
    static bool told(const cpuplugd::Term::Node& node) {
        using cpuplugd::Op;
        switch (node.op) {
            case Op::symbol:
                return node.symbol == cpuplugd::Symbol::freemem ||
                       node.symbol == cpuplugd::Symbol::swaprate;
            case Op::meminfo:
            case Op::vmstat:
            case Op::cpustat:
                return std::any_of(kGuestFigures.begin(), kGuestFigures.end(),
                                   [&node](const GuestFigure& each) {
                                       return each.source == node.op && each.name == node.name;
                                   });
            default:
                return true;
        }
    }

    const PolicyChoice& choice_;
    cpuplugd::Variables variables_;
};

bool uses_swap_rate(const cpuplugd::Term& term) {
    return std::any_of(term.nodes.begin(), term.nodes.end(), [](const cpuplugd::Term::Node& node) {
        return node.op == cpuplugd::Op::symbol && node.symbol == cpuplugd::Symbol::swaprate;
    });
}

// Rates are reckoned before any rule is looked at; one that no rule uses may be of traffic that
// nobody tells.
class UntoldStandsStill final : public cpuplugd::History {
  public:
    explicit UntoldStandsStill(const GuestSamples& samples) : samples_(samples) {}
    std::optional<double> figure(cpuplugd::Op source, std::string_view name,
                                 std::uint32_t back) const override {
        const std::optional<double> told = samples_.figure(source, name, back);
        return told || source != cpuplugd::Op::vmstat ? told : std::optional<double>(0);
    }

  private:
    const GuestSamples& samples_;
};

class CpuplugdPolicy final : public Policy {
  public:
    CpuplugdPolicy(cpuplugd::Rules rules, Duration update)
        : rules_(std::move(rules)), update_(update) {
        for (const auto* const term :
             {&rules_.plug, &rules_.unplug, &rules_.increment, &rules_.decrement})
            needs_swap_ = needs_swap_ || (*term && uses_swap_rate(**term));
    }

    void request(const Observation& seen, const PolicyInputs& inputs,
                 std::span<std::int64_t> request_bytes) override {
        if (states_.follow(seen.domains)) {
            for (std::size_t row = 0; row < states_.size(); ++row)
                if (!states_[row].samples.has_room())
                    states_[row].samples.make_room(rules_.history);
        }
        const bool due = pace_.due(seen.at, update_);
        const double now_s = std::chrono::duration<double>(seen.at.time_since_epoch()).count();
        for (std::size_t row = 0; row < request_bytes.size(); ++row) {
            State& state = states_[row];
            if (due) state.samples.add(seen.domains, row, now_s);
            if (is_held(inputs, row))
                state.loan_target_bytes = kUnknownBytes;
            else if (due && state.samples.count() > rules_.history)
                decide(state, seen.domains.loaned_bytes[row]);
            request_bytes[row] = state.loan_target_bytes == kUnknownBytes
                                     ? 0
                                     : request_to_lend(seen.domains, row,
                                                       std::min(state.loan_target_bytes,
                                                                seen.domains.total_bytes[row]));
        }
    }

  private:
    struct State {
        GuestSamples samples;
        std::uint64_t loan_target_bytes = kUnknownBytes;  // none
    };

    void decide(State& state, std::uint64_t loaned_bytes) const {
        using cpuplugd::Op;
        const GuestSamples& samples = state.samples;
        // Where cpuplugd would leave a round out, or end, the domain stays as it is.
        state.loan_target_bytes = kUnknownBytes;
        if (needs_swap_ && !knows_swap(samples)) return;
        const double interval_s =
            *samples.figure(Op::time, {}, 0) - *samples.figure(Op::time, {}, 1);
        const cpuplugd::MemorySymbols symbols =
            memory_symbols(interval_s, UntoldStandsStill(samples));
        const auto pages = static_cast<std::int64_t>(loaned_bytes / kCmmPageBytes);
        const cpuplugd::Round round = cpuplugd::decide(rules_, pages, symbols, samples);
        if (round.stop != cpuplugd::Stop::none) return;
        state.loan_target_bytes = round.pages == pages
                                      ? loaned_bytes
                                      : static_cast<std::uint64_t>(round.pages) * kCmmPageBytes;
    }

    static bool knows_swap(const GuestSamples& samples) {
        const auto knows = [&samples](std::string_view name) {
            return samples.figure(cpuplugd::Op::vmstat, name, 0) &&
                   samples.figure(cpuplugd::Op::vmstat, name, 1);
        };
        return knows("pswpin") && knows("pswpout");
    }

    cpuplugd::Rules rules_;
    Duration update_;
    bool needs_swap_ = false;
    Pace pace_;
    RowStates<State> states_;
};

}  // namespace

Result<std::unique_ptr<Policy>> make_cpuplugd_policy(const PolicyChoice& choice) {
    Texts texts(choice);
    if (Result<void> read = texts.read_variables(); !read) return tl::unexpected(read.error());
    cpuplugd::Rules rules;
    rules.least_pages = static_cast<std::int64_t>(number_of(choice, "cmm_min_pages"));
    rules.most_pages = static_cast<std::int64_t>(number_of(choice, "cmm_max_pages"));
    if (rules.most_pages < rules.least_pages)
        return fail(Errc::invalid_argument, "cmm_max_pages is less than cmm_min_pages");
    struct Part {
        std::string_view name;
        std::string_view otherwise;
        std::optional<cpuplugd::Term>* into;
    };
    for (const Part& part :
         {Part{"memplug", kPlug, &rules.plug}, Part{"memunplug", kUnplug, &rules.unplug},
          Part{"cmm_inc", kIncrement, &rules.increment},
          Part{"cmm_dec", kDecrement, &rules.decrement}}) {
        Result<cpuplugd::Term> term = texts.term(part.name, part.otherwise);
        if (!term) return tl::unexpected(term.error());
        rules.history = std::max(rules.history, history_of(*term));
        *part.into = std::move(*term);
    }
    if (rules.history > cpuplugd::kMaxHistory)
        return fail(Errc::invalid_argument, "a rule looks back over more than 100 samples");
    const std::chrono::duration<double> update(number_of(choice, "update_s"));
    return std::make_unique<CpuplugdPolicy>(std::move(rules),
                                            std::chrono::duration_cast<Duration>(update));
}

}  // namespace ballast
