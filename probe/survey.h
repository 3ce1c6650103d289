// Measures several schemes with several numbers of readers in one run, in shuffled order.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/statistics.h"
#include "probe/experiment.h"
#include "probe/parameters.h"

namespace ballast::probe {

// What is known of one scheme with one number of readers.
struct Finding {
    const ScaleType* type = nullptr;
    unsigned readers = 0;  // 0: an update
    Spread ns;             // of one section, or one update
    std::size_t tried = 0;
    std::array<std::size_t, verdict_count> verdicts{};  // how often each was passed
    std::string unsupported;                            // why it cannot be measured here
    // Of each clean experiment the readers' durations, where the survey keeps them.
    std::vector<std::vector<Duration>> totals;
    std::vector<double> average_ns;  // of a section, one for each of them

    std::size_t kept() const noexcept { return ns.samples; }
    // The interquartile range over the median.
    double spread() const noexcept {
        return ns.median > 0 ? ns.interquartile_range / ns.median : 0;
    }
};

// How far a finding can be trusted. Of an unusable one no number is shown.
enum class Quality : std::uint8_t { steady, noisy, unusable };
std::string_view to_string(Quality quality) noexcept;
// steady: at least `wanted` clean experiments (and 3), a third or more of those tried, and a spread
// of at most 5 %. noisy: at least a third of those wanted, and at most 50 %. Pure.
Quality quality(const Finding& finding, std::uint32_t wanted) noexcept;

class Survey {
  public:
    struct Options {
        std::vector<const ScaleType*> types;
        std::vector<unsigned> readers;  // numbers of them, each at most the team's size
        bool updates = true;            // what an update costs, too
        std::uint32_t runs = 30;        // clean experiments wanted of each
        Section section;
        std::uint64_t seed = 1;  // of the order
        bool keep_totals = false;
    };

    // All outlive it.
    Survey(ReaderTeam& team, const Clock& clock, Options options);
    ~Survey();

    // Runs one experiment; false: all are done. Of each scheme and number of readers, as many as
    // were wanted are kept or ten times as many tried.
    bool step();
    // Share done, 0..1.
    double done() const noexcept;
    // Of the last step.
    Duration last_cpu_time() const noexcept { return last_cpu_time_; }
    Verdict last_verdict() const noexcept { return last_verdict_; }
    const std::string& last() const noexcept { return last_; }  // what it was, for people

    // In the order of Options, by type and then number of readers, each with its update last.
    std::vector<Finding> findings() const;
    std::uint32_t wanted() const noexcept { return options_.runs; }

  private:
    struct Item;
    bool wants_more(const Item& item) const noexcept;
    void shuffle_round();
    void measure(Item& item);

    ReaderTeam& team_;
    const Clock& clock_;
    const Options options_;
    const Duration clock_cost_;
    std::vector<std::unique_ptr<Scheme>> schemes_;
    std::vector<Item> items_;
    std::vector<std::size_t> round_;  // what is left of this round, last first
    std::mt19937_64 random_;
    Duration last_cpu_time_{};
    Verdict last_verdict_ = Verdict::clean;
    std::string last_;
};

}  // namespace ballast::probe
