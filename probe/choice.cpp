#include "probe/choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "base/units.h"

namespace ballast::probe {
namespace {

std::optional<RefScheme> scheme_of(const std::vector<Offer>& offers, std::string_view scale_type) {
    for (const Offer& offer : offers)
        if (offer.scale_type == scale_type) return offer.scheme;
    return std::nullopt;
}

std::string missing(const ScaleType& type, const Traits& needs) {
    const Traits& has = type.traits;
    if (needs.keeps_object && !has.keeps_object) return "does not keep what is read";
    if (needs.keeps_object && type.update.empty()) return "cannot be updated under readers";
    if (needs.any_thread && !has.any_thread) return "threads must register";
    if (needs.may_sleep && !has.may_sleep) return "readers must not sleep";
    if (needs.long_holds && !has.long_holds) return "updates wait for the longest reader";
    return "";
}

}  // namespace

const std::vector<Offer>& module_offers() {
    static const std::vector<Offer> offers{{RefScheme::atomic, "atomic-ref"},
                                           {RefScheme::percpu, "percpu-ref"},
                                           {RefScheme::perthread, "perthread-ref"}};
    return offers;
}

const std::vector<Offer>& snapshot_offers() {
    static const std::vector<Offer> offers{{RefScheme::atomic, "snapshot"},
                                           {RefScheme::percpu, "snapshot-percpu"},
                                           {RefScheme::perthread, "snapshot-perthread"}};
    return offers;
}

Traits needs_of_ballast() noexcept {
    return {.may_sleep = true, .any_thread = true, .long_holds = true, .keeps_object = true};
}

std::vector<Cost> typical_costs() {
    return {{"percpu-ref", 2, 4000},      {"perthread-ref", 7, 4000},      {"atomic-ref", 17, 60},
            {"snapshot-percpu", 4, 9000}, {"snapshot-perthread", 9, 9000}, {"snapshot", 20, 120}};
}

std::vector<Cost> costs_of(const std::vector<Finding>& findings, std::uint32_t wanted) {
    std::vector<Cost> costs = typical_costs();
    const auto known_ns = [&](const ScaleType* type, unsigned readers) -> std::optional<double> {
        for (const Finding& finding : findings)
            if (finding.type == type && finding.readers == readers &&
                quality(finding, wanted) != Quality::unusable)
                return finding.ns.median;
        return std::nullopt;
    };
    for (const Finding& finding : findings) {
        if (finding.readers != 1) continue;
        const ScaleType* const type = finding.type;
        const auto same = [&](const Cost& cost) { return cost.scale_type == type->name; };
        if (!finding.unsupported.empty()) {
            std::erase_if(costs, same);
            continue;
        }
        // Both halves, or what was assumed.
        const auto read_ns = known_ns(type, 1);
        const auto update_ns = type->update.empty() ? std::optional(0.0) : known_ns(type, 0);
        if (!read_ns || !update_ns) continue;
        const Cost measured{std::string(type->name), *read_ns, *update_ns, true};
        const auto found = std::find_if(costs.begin(), costs.end(), same);
        if (found != costs.end())
            *found = measured;
        else
            costs.push_back(measured);
    }
    return costs;
}

Choice choose(const Use& use, const std::vector<Cost>& costs, RefScheme configured) {
    Choice choice;
    choice.use = use;
    for (const Cost& cost : costs) {
        const ScaleType* const type = find_scale_type(cost.scale_type);
        if (type == nullptr) continue;
        Candidate candidate;
        candidate.cost = cost;
        candidate.unsafe = missing(*type, use.needs);
        candidate.offered = scheme_of(use.offers, cost.scale_type);
        candidate.ns_per_s = use.reads_per_s * cost.read_ns + use.updates_per_s * cost.update_ns;
        choice.candidates.push_back(std::move(candidate));
    }
    const auto rank = [](const Candidate& candidate) {
        return std::tuple(!candidate.unsafe.empty(), candidate.ns_per_s);
    };
    std::stable_sort(choice.candidates.begin(), choice.candidates.end(),
                     [&](const Candidate& a, const Candidate& b) { return rank(a) < rank(b); });
    choice.configured = configured != RefScheme::automatic;
    if (choice.configured) {
        choice.chosen = configured;
        return choice;
    }
    const auto best = std::find_if(
        choice.candidates.begin(), choice.candidates.end(),
        [](const Candidate& candidate) { return candidate.offered && candidate.unsafe.empty(); });
    if (best != choice.candidates.end()) choice.chosen = *best->offered;
    return choice;
}

std::string explain(const Choice& choice) {
    const Use& use = choice.use;
    std::string text = fmt::format(
        "{}: {}{}\n  {:.6g} reads/s, {:.6g} updates/s{}\n", use.name, to_string(choice.chosen),
        choice.configured ? " (configured)" : "", use.reads_per_s, use.updates_per_s,
        use.counted_for.count() > 0
            ? fmt::format(
                  ", counted over {} with what was expected",
                  format_duration(std::chrono::floor<std::chrono::seconds>(use.counted_for)))
            : "");
    if (choice.cheaper_now)
        text += fmt::format("  {} would be cheaper by now; it counts at the next start\n",
                            to_string(*choice.cheaper_now));
    for (const Candidate& candidate : choice.candidates) {
        const Cost& cost = candidate.cost;
        const bool chosen = candidate.offered == choice.chosen;
        text += fmt::format(
            "{} {:<17} {:.6g}/s x {:.3g} ns + {:.6g}/s x {:.4g} ns = {:.4g} ns/s{}{}\n",
            chosen ? "->" : "  ", cost.scale_type, use.reads_per_s, cost.read_ns, use.updates_per_s,
            cost.update_ns, candidate.ns_per_s, cost.measured ? "" : "  assumed",
            !candidate.unsafe.empty() ? "  unsafe: " + candidate.unsafe
            : !candidate.offered      ? "  not offered here"
                                      : "");
    }
    return text;
}

nlohmann::ordered_json json_of(const Choice& choice) {
    auto candidates = nlohmann::ordered_json::array();
    for (const Candidate& candidate : choice.candidates)
        candidates.push_back({{"scale_type", candidate.cost.scale_type},
                              {"read_ns", candidate.cost.read_ns},
                              {"update_ns", candidate.cost.update_ns},
                              {"measured", candidate.cost.measured},
                              {"ns_per_second", candidate.ns_per_s},
                              {"safe", candidate.unsafe.empty()},
                              {"unsafe", candidate.unsafe},
                              {"offered", candidate.offered.has_value()}});
    return {
        {"use", choice.use.name},
        {"chosen", to_string(choice.chosen)},
        {"configured", choice.configured},
        {"cheaper_now", choice.cheaper_now ? nlohmann::ordered_json(to_string(*choice.cheaper_now))
                                           : nlohmann::ordered_json(nullptr)},
        {"reads_per_second", choice.use.reads_per_s},
        {"updates_per_second", choice.use.updates_per_s},
        {"counted_seconds", std::chrono::duration<double>(choice.use.counted_for).count()},
        {"candidates", std::move(candidates)},
        {"text", explain(choice)}};
}

}  // namespace ballast::probe
