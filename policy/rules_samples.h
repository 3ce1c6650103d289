// The figures that rules look at, as far back as they do.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "expression/rules_expression.h"
#include "model/host.h"

namespace ballast {

// In this order, everywhere.
inline constexpr std::array<std::string_view, 17> kRulesFigures{
    "host.total", "host.available", "host.swap_total", "host.swap_free", "host.stall_us", "total",
    "kept",       "loaned",         "min_mem",         "unused",         "usable",        "cache",
    "resident",   "major_faults",   "swapped_in",      "swapped_out",    "interval_s"};
using RulesFigures = std::array<double, kRulesFigures.size()>;

// Of one row; not a number where it is not told. `interval_s` is the time since the last sample.
RulesFigures rules_figures_of(const Observation& seen, std::size_t row, std::uint64_t min_mem_bytes,
                              double interval_s) noexcept;

// Where the samples of each figure lie; none of a figure that no rule uses.
class RulesLayout {
  public:
    explicit RulesLayout(std::initializer_list<const rules::Expression*> all);
    struct Place {
        std::size_t first = 0;
        std::size_t length = 0;
    };
    const Place& place(std::size_t name) const noexcept { return places_[name]; }
    std::size_t size() const noexcept { return size_; }

  private:
    std::array<Place, kRulesFigures.size()> places_{};
    std::size_t size_ = 0;
};

// The samples of one domain. Allocates when it is made alone.
struct RulesHistory {
    std::vector<double> values;  // of a layout's size
    std::uint64_t count = 0;     // samples taken

    void add(const RulesLayout& layout, const RulesFigures& figures) noexcept;
};

class RulesSamples final : public rules::Samples {
  public:
    RulesSamples(const RulesLayout& layout, const RulesHistory& history)
        : layout_(layout), history_(history) {}
    double figure(std::size_t name, std::uint32_t back) const override;

  private:
    const RulesLayout& layout_;
    const RulesHistory& history_;
};

}  // namespace ballast
