#include "probe/rows.h"

#include <fmt/format.h>

#include <algorithm>

namespace ballast::probe {
namespace {

using Json = nlohmann::ordered_json;

const Finding* find(const std::vector<Finding>& findings, std::string_view type, unsigned readers) {
    const auto found = std::find_if(findings.begin(), findings.end(), [&](const Finding& finding) {
        return finding.type->name == type && finding.readers == readers;
    });
    return found == findings.end() ? nullptr : &*found;
}

std::optional<double> ratio(const Finding& finding, const Finding* baseline, std::uint32_t wanted) {
    if (baseline == nullptr || baseline->ns.median <= 0) return std::nullopt;
    for (const Finding* each : {&finding, baseline})
        if (quality(*each, wanted) == Quality::unusable) return std::nullopt;
    return finding.ns.median / baseline->ns.median;
}

// What was passed most often beside `clean`.
std::string most_frequent(const Finding& finding) {
    const auto* const worst =
        std::max_element(finding.verdicts.begin() + 1, finding.verdicts.end());
    if (*worst == 0) return "";
    const auto verdict = static_cast<Verdict>(worst - finding.verdicts.begin());
    return fmt::format(", {} of them {}", *worst, to_string(verdict));
}

Json experiments_of(const Finding& finding) {
    Json list = Json::array();
    for (std::size_t i = 0; i < finding.totals.size(); ++i) {
        Json totals_ns = Json::array();
        for (const Duration total : finding.totals[i]) totals_ns.push_back(total.count());
        list.push_back(
            {{"totals_ns", std::move(totals_ns)}, {"average_ns", finding.average_ns[i]}});
    }
    return list;
}

template <class Value>
Json or_null(bool shown, const Value& value) {
    return shown ? Json(value) : Json(nullptr);
}

}  // namespace

std::string Row::note() const {
    if (!read.unsupported.empty()) return "not possible here: " + read.unsupported;
    if (quality == Quality::steady) return "";
    if (read.kept() == 0 || quality == Quality::unusable)
        return fmt::format("too noisy to tell: {} of {} experiments were clean{}, spread {:.0f} %",
                           read.kept(), read.tried, most_frequent(read), read.spread() * 100);
    return fmt::format("noisy: {} of {} experiments were clean{}, spread {:.0f} %", read.kept(),
                       read.tried, most_frequent(read), read.spread() * 100);
}

std::vector<Row> rows_of(const std::vector<Finding>& findings, std::uint32_t wanted) {
    std::vector<Row> rows;
    for (const Finding& finding : findings) {
        if (finding.readers == 0) continue;
        Row row;
        row.read = finding;
        row.quality = quality(finding, wanted);
        row.x_empty = ratio(finding, find(findings, "empty", finding.readers), wanted);
        row.x_refcnt = ratio(finding, find(findings, "refcnt", finding.readers), wanted);
        if (const Finding* const update = find(findings, finding.type->name, 0)) {
            row.update = *update;
            row.update_quality = quality(*update, wanted);
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

Json json_of(const std::vector<Row>& rows) {
    Json list = Json::array();
    for (const Row& row : rows) {
        const bool shown = row.quality != Quality::unusable;
        const Spread& ns = row.read.ns;
        Json verdicts = Json::object();
        for (std::size_t i = 0; i < verdict_count; ++i)
            verdicts[std::string(to_string(static_cast<Verdict>(i)))] = row.read.verdicts[i];
        Json object{{"scale_type", row.read.type->name},
                    {"readers", row.read.readers},
                    {"min_ns", or_null(shown, ns.min)},
                    {"median_ns", or_null(shown, ns.median)},
                    {"iqr_ns", or_null(shown, ns.interquartile_range)},
                    {"kept", row.read.kept()},
                    {"tried", row.read.tried},
                    {"valid", row.quality == Quality::steady},
                    {"quality", to_string(row.quality)},
                    {"note", row.note()},
                    {"x_empty", row.x_empty ? Json(*row.x_empty) : Json(nullptr)},
                    {"x_refcnt", row.x_refcnt ? Json(*row.x_refcnt) : Json(nullptr)},
                    {"verdicts", std::move(verdicts)}};
        Json update = nullptr;
        if (row.update) {
            const bool known = row.update_quality != Quality::unusable;
            update = {{"what", row.read.type->update},
                      {"min_ns", or_null(known, row.update->ns.min)},
                      {"median_ns", or_null(known, row.update->ns.median)},
                      {"iqr_ns", or_null(known, row.update->ns.interquartile_range)},
                      {"kept", row.update->kept()},
                      {"tried", row.update->tried},
                      {"valid", row.update_quality == Quality::steady}};
        }
        object["update"] = std::move(update);
        if (!row.read.totals.empty()) object["experiments"] = experiments_of(row.read);
        list.push_back(std::move(object));
    }
    return list;
}

}  // namespace ballast::probe
