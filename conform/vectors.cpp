// The driver's polls, one a line, through cmm_target and nothing else.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/units.h"
#include "conform/replay.h"

namespace ballast::conform {
namespace {

std::vector<std::string_view> split(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    std::vector<std::string_view> fields;
    for (;;) {
        const std::size_t comma = line.find(',');
        fields.push_back(line.substr(0, comma));
        if (comma == std::string_view::npos) return fields;
        line.remove_prefix(comma + 1);
    }
}

struct Row {
    std::uint64_t page_kib, wanted_kib, min_mem_mb, loaned, managed, credit, target;
    std::int64_t delta;
    std::string_view action, requested;
};

class Vectors {
  public:
    Vectors(const std::string& name, const RuleSet& rules) : rules_(rules) {
        comparison_.name = name;
    }

    // Errors: what is wrong with the line, without its place.
    Result<void> header(std::string_view line) {
        const std::vector<std::string_view> names = split(line);
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const auto found = std::find(names.begin(), names.end(), columns[i]);
            if (found == names.end())
                return fail(Errc::bad_data, fmt::format("no column '{}'", columns[i]));
            at_[i] = static_cast<std::size_t>(found - names.begin());
        }
        width_ = names.size();
        return {};
    }

    Result<void> row(std::size_t line, std::string_view text) {
        const std::vector<std::string_view> fields = split(text);
        if (fields.size() != width_)
            return fail(Errc::bad_data,
                        fmt::format("{} fields, expected {}", fields.size(), width_));
        Row row{};
        const std::array<std::uint64_t*, 7> counts{&row.page_kib, &row.wanted_kib, &row.min_mem_mb,
                                                   &row.loaned,   &row.managed,    &row.credit,
                                                   &row.target};
        for (std::size_t i = 0; i < counts.size(); ++i) {
            if (!number(fields[at_[i]], *counts[i]))
                return fail(Errc::bad_data, fmt::format("{} is '{}', expected a whole number",
                                                        columns[i], fields[at_[i]]));
        }
        if (!number(fields[at_[7]], row.delta))
            return fail(Errc::bad_data,
                        fmt::format("delta is '{}', expected a whole number", fields[at_[7]]));
        row.action = fields[at_[8]];
        row.requested = fields[at_[9]];
        constexpr std::uint64_t most_pages = std::uint64_t{1} << 51U;
        if ((row.page_kib != 4 && row.page_kib != 64) ||
            std::max({row.loaned, row.managed, row.credit, row.target}) > most_pages)
            return fail(Errc::bad_data, "expected pages of 4 or 64 KiB, and up to 2^51 of them");
        compare(line, row);
        return {};
    }

    Comparison finish() { return std::move(comparison_); }

  private:
    static constexpr std::array<std::string_view, 10> columns{
        "page_kb",        "simulate_loan_target_kb",
        "min_mem_mb",     "loaned_pages",
        "totalram_pages", "oom_pages",
        "target_pages",   "delta",
        "action",         "requested"};

    template <class Number>
    static bool number(std::string_view text, Number& into) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
        return error == std::errc{} && end == text.data() + text.size();
    }

    void compare(std::size_t line, const Row& row) {
        const CmmInputs inputs{
            .request_pages = static_cast<std::int64_t>(row.wanted_kib / row.page_kib) -
                             static_cast<std::int64_t>(row.loaned),
            .loaned_pages = row.loaned,
            .total_pages = row.managed + row.loaned,
            .oom_credit_pages = row.credit,
            // The driver keeps the bytes in 64 bits.
            .min_mem_pages = row.min_mem_mb * kMiB / (row.page_kib * kKiB)};
        const CmmTarget target =
            rules_.target(inputs, {.oom_credit = true, .credit_after_clamp = false});
        check(line, "request (delta), pages", row.delta, inputs.request_pages);
        check(line, "loan target, pages", row.target, target.loan_target_pages);
        const std::uint64_t move = std::max(target.loan_target_pages, row.loaned) -
                                   std::min(target.loan_target_pages, row.loaned);
        const bool moves = !row.requested.empty();
        check<std::string>(line, "pages to move", moves ? std::string(row.requested) : "0",
                           std::to_string(move));
    }

    template <class Value>
    void check(std::size_t line, std::string_view what, const Value& driver, const Value& ballast) {
        ++comparison_.compared;
        if (driver == ballast) return;
        ++comparison_.differ;
        if (comparison_.first) return;
        comparison_.first = Difference{line,
                                       Duration{},
                                       std::string(what),
                                       fmt::format("{}", driver),
                                       fmt::format("{}", ballast),
                                       {}};
    }

    RuleSet rules_;
    std::array<std::size_t, columns.size()> at_{};
    std::size_t width_ = 0;
    Comparison comparison_;
};

}  // namespace

Result<Comparison> compare_vectors(std::string_view csv, const std::string& name,
                                   const RuleSet& rules) {
    Vectors vectors(name, rules);
    std::size_t number = 0;
    while (!csv.empty()) {
        ++number;
        const std::size_t end = csv.find('\n');
        const std::string_view line = csv.substr(0, end);
        csv.remove_prefix(end == std::string_view::npos ? csv.size() : end + 1);
        if (line.empty()) continue;
        const Result<void> read = number == 1 ? vectors.header(line) : vectors.row(number, line);
        if (!read) return with_context(read.error(), fmt::format("{}:{}", name, number));
    }
    if (number == 0) return fail(Errc::bad_data, name + ": empty, expected a header of columns");
    return vectors.finish();
}

}  // namespace ballast::conform
