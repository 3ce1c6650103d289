#include "ctl/replay_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/units.h"
#include "compare/report.h"
#include "ctl/compare_view.h"
#include "ctl/table.h"
#include "ctl/text.h"

namespace ballast::ctl {
namespace {

using compare::RunResult;

constexpr double kHour_s = 3600;
constexpr const char* kNotTold = "-";

double gib(double bytes) {
    return bytes / static_cast<double>(kGiB);
}

std::string gib_text(double bytes) {
    return fmt::format("{:.2f}", gib(bytes));
}

std::string span(double seconds) {
    return format_duration(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

// A value holds until the next.
double value_at(const DemandSeries& series, double at_s) {
    const auto after =
        std::upper_bound(series.points.begin(), series.points.end(), at_s,
                         [](double at, const DemandPoint& point) { return at < point.at_s; });
    return after == series.points.begin() ? 0 : (after - 1)->bytes;
}

std::optional<double> host_stall_percent(const Recording& recording) {
    if (!recording.outcome.host_stall_s) return std::nullopt;
    return 100 * *recording.outcome.host_stall_s / recording.workload.length_s;
}

std::string heading(const Recording& recording) {
    const Workload& workload = recording.workload;
    const RecordedOutcome& outcome = recording.outcome;
    std::string text = fmt::format("{}: {}, {} guests of {} in all on ", printable(workload.name),
                                   span(workload.length_s), workload.vms.size(),
                                   format_size(largest_capacity_bytes(workload)));
    text += format_size(workload.host_bytes);
    if (outcome.host_own_bytes > 0)
        text += fmt::format(", beside {} that the host uses itself",
                            format_size(outcome.host_own_bytes));
    if (outcome.credit_bytes > 0)
        text += fmt::format("\nOOM credits of up to {}", format_size(outcome.credit_bytes));
    if (const auto percent = host_stall_percent(recording))
        text +=
            fmt::format("\nSome task of the host waited for memory {:.4f} % of the time", *percent);
    return text + "\n";
}

std::string sums_text(const Recording& recording, const std::vector<RunResult>& results,
                      const std::vector<compare::Reproduction>& reproductions,
                      const Terminal& terminal) {
    Table table({{"WHO", Align::left, Fit::keep},
                 {"LENT GiB*h", Align::right, Fit::keep},
                 {"DIFFERS %", Align::right, Fit::keep},
                 {"MOVED GiB", Align::right, Fit::keep},
                 {"OOMS", Align::right, Fit::keep},
                 {"STALL %", Align::right, Fit::keep},
                 {"FAULTS", Align::right, Fit::drop},
                 {"LEAST FREE GiB", Align::right, Fit::drop}});
    const RecordedOutcome& outcome = recording.outcome;
    const auto oom_colour = [](std::uint64_t ooms) {
        return ooms > 0 ? Colour::red : Colour::none;
    };
    table.add({{"recorded", Colour::bold},
               {gib_text(outcome.lent_byte_s / kHour_s)},
               {""},
               {gib_text(outcome.moved_bytes)},
               {std::to_string(outcome.ooms), oom_colour(outcome.ooms)},
               {kNotTold},
               {outcome.major_faults ? std::to_string(*outcome.major_faults) : kNotTold},
               {outcome.least_available_bytes
                    ? gib_text(static_cast<double>(*outcome.least_available_bytes))
                    : kNotTold}});
    for (std::size_t i = 0; i < results.size(); ++i) {
        const RunResult& result = results[i];
        const HarmTotals& totals = result.totals;
        const double faulted = totals.guest_faulted + totals.host_faulted;
        table.add({{result.policy},
                   {gib_text(totals.lent_byte_s / kHour_s)},
                   {fmt::format("{:.1f}", reproductions[i].lent_differs_percent())},
                   {gib_text(totals.moved)},
                   {std::to_string(result.ooms()), oom_colour(result.ooms())},
                   {fmt::format("{:.4f}", result.stall_percent())},
                   {fmt::format("{:.0f}", std::floor(faulted / static_cast<double>(kSimPage)))},
                   {gib_text(static_cast<double>(totals.least_available))}});
    }
    return table.render(terminal);
}

std::string samples_text(const Recording& recording, const std::vector<RunResult>& results,
                         const Terminal& terminal) {
    std::vector<Column> columns{{"LENT GiB AT", Align::right, Fit::keep},
                                {"recorded", Align::right, Fit::keep}};
    for (const RunResult& result : results)
        columns.push_back({result.policy, Align::right, Fit::drop});
    Table table(columns);
    for (std::size_t i = 0; i < results.front().samples.size(); ++i) {
        const double at_s = results.front().samples[i].at_s;
        std::vector<Cell> row{{span(at_s)}, {gib_text(value_at(recording.outcome.lent, at_s))}};
        for (const RunResult& result : results)
            row.push_back({gib_text(static_cast<double>(result.samples[i].lent))});
        table.add(std::move(row));
    }
    return table.render(terminal);
}

template <class Value>
Json if_known(const std::optional<Value>& value) {
    return value ? Json(*value) : Json(nullptr);
}

Json recorded_json(const Recording& recording, const std::vector<RunResult>& results) {
    const Workload& workload = recording.workload;
    const RecordedOutcome& outcome = recording.outcome;
    Json json{{"input", workload.name},
              {"seconds", workload.length_s},
              {"guests", workload.vms.size()},
              {"guests_bytes", largest_capacity_bytes(workload)},
              {"host_total_bytes", if_known(outcome.host_total_bytes)},
              {"host_own_bytes", outcome.host_own_bytes},
              {"lent_gib_hours", gib(outcome.lent_byte_s) / kHour_s},
              {"moved_gib", gib(outcome.moved_bytes)},
              {"ooms", outcome.ooms},
              {"oom_bytes", outcome.oom_bytes},
              {"credit_bytes", outcome.credit_bytes},
              {"faults", if_known(outcome.major_faults)},
              {"host_stall_percent", if_known(host_stall_percent(recording))},
              {"least_available_bytes", if_known(outcome.least_available_bytes)},
              {"notes", recording.notes}};
    Json samples = Json::array();
    for (const compare::RunSample& sample : results.front().samples)
        samples.push_back(
            {{"at_s", sample.at_s},
             {"lent_bytes", static_cast<std::uint64_t>(value_at(outcome.lent, sample.at_s))}});
    json["samples"] = std::move(samples);
    return json;
}

}  // namespace

std::string replay_text(const Recording& recording, const std::vector<RunResult>& results,
                        const std::vector<compare::Reproduction>& reproductions,
                        const Terminal& terminal) {
    std::string text =
        heading(recording) + "\n" + sums_text(recording, results, reproductions, terminal) +
        "recorded is what happened, the others what the model says would have; DIFFERS: by how "
        "much\n"
        "of what was lent, over time; OOMS recorded are guests that took memory back\n";
    for (std::size_t i = 0; i < results.size(); ++i)
        if (reproductions[i].same_figures() > 0)
            text += fmt::format("{}: {} decisions on the same figures as recorded, {} the same\n",
                                results[i].policy, reproductions[i].same_figures(),
                                reproductions[i].same_decisions());
    if (const std::string controller = controller_text(results, terminal); !controller.empty())
        text += "\n" + controller;
    if (!results.front().samples.empty()) text += "\n" + samples_text(recording, results, terminal);
    return text;
}

Json replay_json(const Recording& recording, const std::vector<RunResult>& results,
                 const std::vector<compare::Reproduction>& reproductions) {
    Json compared = Json::parse(compare::comparison_json({{recording.workload.name, results}}));
    for (std::size_t i = 0; i < results.size(); ++i)
        compared.at("results").at(i)["reproduction"] = {
            {"lent_differs_percent", reproductions[i].lent_differs_percent()},
            {"same_figures", reproductions[i].same_figures()},
            {"same_decisions", reproductions[i].same_decisions()}};
    return {{"recorded", recorded_json(recording, results)}, {"results", compared.at("results")}};
}

}  // namespace ballast::ctl
