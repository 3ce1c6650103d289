#include "probe/survey.h"

#include <fmt/format.h>

#include <algorithm>

namespace ballast::probe {
namespace {

constexpr std::size_t tries_for_one = 10;
constexpr std::uint32_t updates_at_once = 16;
constexpr double steady_spread = 0.05;
constexpr std::size_t least_steady = 3;
// Where more were thrown away, those that were kept may be the exception.
constexpr std::size_t most_tries_for_one = 3;
constexpr double usable_spread = 0.5;

std::vector<Duration> totals_of(const Experiment& clean) {
    std::vector<Duration> totals;
    for (const std::optional<Duration>& took : clean.took) totals.push_back(*took);
    return totals;
}

}  // namespace

struct Survey::Item {
    Finding finding;
    Scheme* scheme = nullptr;  // nullptr: unsupported
    std::vector<double> samples_ns;
};

std::string_view to_string(Quality quality) noexcept {
    switch (quality) {
        case Quality::steady:
            return "steady";
        case Quality::noisy:
            return "noisy";
        case Quality::unusable:
            return "unusable";
    }
    return "unknown";
}

Quality quality(const Finding& finding, std::uint32_t wanted) noexcept {
    if (finding.ns.median <= 0) return Quality::unusable;  // less than nothing was measured
    const bool enough = finding.kept() >= std::max<std::size_t>(wanted, least_steady) &&
                        finding.kept() * most_tries_for_one >= finding.tried;
    if (enough && finding.spread() <= steady_spread) return Quality::steady;
    const bool some = finding.kept() * 3 >= wanted;
    return some && finding.spread() <= usable_spread ? Quality::noisy : Quality::unusable;
}

Survey::Survey(ReaderTeam& team, const Clock& clock, Options options)
    : team_(team),
      clock_(clock),
      options_(std::move(options)),
      clock_cost_(clock_cost(clock)),
      random_(options_.seed) {
    for (const ScaleType* type : options_.types) {
        auto made = type->make(clock);
        const std::string unsupported = made ? "" : made.error().message();
        Scheme* const scheme = made ? made->get() : nullptr;
        if (made) schemes_.push_back(std::move(*made));
        const auto add = [&](unsigned readers) {
            Item item;
            item.finding.type = type;
            item.finding.readers = readers;
            item.finding.unsupported = unsupported;
            item.scheme = scheme;
            items_.push_back(std::move(item));
        };
        for (const unsigned readers : options_.readers) add(readers);
        if (options_.updates && !type->update.empty()) add(0);
    }
}

Survey::~Survey() = default;

bool Survey::wants_more(const Item& item) const noexcept {
    return item.scheme != nullptr && item.samples_ns.size() < options_.runs &&
           item.finding.tried < tries_for_one * options_.runs;
}

void Survey::shuffle_round() {
    for (std::size_t i = 0; i < items_.size(); ++i)
        if (wants_more(items_[i])) round_.push_back(i);
    std::shuffle(round_.begin(), round_.end(), random_);
}

bool Survey::step() {
    if (round_.empty()) shuffle_round();
    if (round_.empty()) return false;
    Item& item = items_[round_.back()];
    round_.pop_back();
    measure(item);
    return true;
}

void Survey::measure(Item& item) {
    Finding& finding = item.finding;
    ++finding.tried;
    Verdict verdict = Verdict::clean;
    if (finding.readers == 0) {
        const Update update = measure_update(team_, *item.scheme, updates_at_once,
                                             options_.section.patience, clock_, clock_cost_);
        last_cpu_time_ = update.cpu_time;
        verdict = update.verdict;
        if (verdict == Verdict::clean) item.samples_ns.push_back(update.ns);
    } else {
        const Experiment experiment =
            run_experiment(team_, *item.scheme, finding.readers, options_.section, clock_);
        last_cpu_time_ = experiment.cpu_time;
        verdict = experiment.verdict;
        if (verdict == Verdict::clean) {
            item.samples_ns.push_back(
                ns_per_section(experiment, options_.section.loops, clock_cost_));
            if (options_.keep_totals) finding.totals.push_back(totals_of(experiment));
        }
    }
    last_verdict_ = verdict;
    ++finding.verdicts[static_cast<std::size_t>(verdict)];
    last_ = finding.readers == 0
                ? fmt::format("{}: update {}: {}", finding.type->name, finding.tried,
                              to_string(verdict))
                : fmt::format("{}: {} readers, experiment {}: {}", finding.type->name,
                              finding.readers, finding.tried, to_string(verdict));
}

double Survey::done() const noexcept {
    std::size_t wanted = 0;
    std::size_t kept = 0;
    for (const Item& item : items_) {
        if (item.scheme == nullptr) continue;
        wanted += options_.runs;
        kept += wants_more(item) ? item.samples_ns.size() : options_.runs;
    }
    return wanted == 0 ? 1.0 : static_cast<double>(kept) / static_cast<double>(wanted);
}

std::vector<Finding> Survey::findings() const {
    std::vector<Finding> all;
    for (const Item& item : items_) {
        all.push_back(item.finding);
        all.back().ns = spread_of(item.samples_ns);
        if (options_.keep_totals) all.back().average_ns = item.samples_ns;
    }
    return all;
}

}  // namespace ballast::probe
