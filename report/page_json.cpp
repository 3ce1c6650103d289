#include "report/page_json.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/digits.h"

namespace ballast::report {
namespace {

using Json = nlohmann::ordered_json;

// Of all histories of a page.
constexpr std::size_t kMostHistoryBytes = 5'000'000;

std::int64_t most_of(const Envelope& envelope) {
    const auto most = std::max_element(envelope.most.begin(), envelope.most.end());
    return most == envelope.most.end() ? 0 : *most;
}

Json pairs(const std::vector<std::uint32_t>& counts) {
    Json json = Json::array();
    for (std::size_t i = 0; i < counts.size(); ++i)
        if (counts[i] > 0) json.push_back({i, counts[i]});
    return json;
}

// Fractions of a microsecond would only make the page longer.
double rounded(double value) {
    return std::round(value * 1e6) / 1e6;
}

Json move_json(const Move& move) {
    const Reason& reason = move.reason;
    Json json{rounded(move.at_s), move.domain,        static_cast<int>(reason.why),
              move.from_bytes,    move.to_bytes,      reason.figures[0],
              reason.figures[1],  reason.wanted_bytes};
    if (!reason.text.empty()) json.push_back(reason.text);
    return json;
}

Json history_json(const PageInput& input, const PageRun& run) {
    const RunHistory& history = *run.history;
    const HostHistory& host = history.host;
    std::int64_t full = run.host_bytes;
    for (const Envelope* one :
         {&host.kept, &host.demand, &host.resident, &host.available, &host.swapped})
        full = std::max(full, most_of(*one));
    Json domains = Json::array();
    for (std::size_t i = 0; i < history.domains.size(); ++i) {
        const DomainHistory& domain = history.domains[i];
        const std::int64_t capacity = input.domains[i].capacity_bytes;
        domains.push_back({digits_of(domain.kept, capacity), stall_digits(domain.stall_share),
                           pairs(domain.ooms), pairs(domain.kills)});
    }
    Json moves = Json::array();
    for (const Move& move : history.moves) moves.push_back(move_json(move));
    return {{"stretches", host.kept.least.size()},
            {"full_bytes", full},
            {"host",
             {{"kept", digits_of(host.kept, full)},
              {"demand", digits_of(host.demand, full)},
              {"resident", digits_of(host.resident, full)},
              {"available", digits_of(host.available, full)},
              {"swapped", digits_of(host.swapped, full)}}},
            {"domains", std::move(domains)},
            {"moves", std::move(moves)},
            {"decisions_left_out", history.decisions_left_out},
            {"happenings_left_out", history.happenings_left_out}};
}

// What guests need does not depend on who decides.
Json demand_json(const PageInput& input, const RunHistory& history) {
    Json json = Json::array();
    for (std::size_t i = 0; i < history.domains.size(); ++i)
        json.push_back(digits_of(history.domains[i].demand, input.domains[i].capacity_bytes));
    return json;
}

Json run_json(const PageRun& run) {
    Json json{{"policy", run.policy},
              {"ratio", run.ratio},
              {"demand", run.demand},
              {"host_bytes", run.host_bytes},
              {"reserve_bytes", run.reserve_bytes},
              {"stall_percent", nullptr},
              {"guest_stall_percent", run.guest_stall_percent},
              {"host_stall_percent", run.host_stall_percent},
              {"guest_ooms", run.guest_ooms},
              {"host_ooms", run.host_ooms},
              {"lent_bytes", run.lent_bytes},
              {"moved_bytes_per_h", run.moved_bytes_per_h},
              {"swapped_out_bytes", run.swapped_out_bytes},
              {"good", run.is_good},
              {"front", run.on_front},
              {"history", nullptr}};
    if (run.stall_percent) json["stall_percent"] = *run.stall_percent;
    return json;
}

std::string dumped(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json input_json(const PageInput& input, std::size_t& room) {
    Json domains = Json::array();
    std::size_t shown = 0;
    Json demands = Json::object();
    Json runs = Json::array();
    for (const PageRun& run : input.runs) {
        Json json = run_json(run);
        if (run.history) {
            Json history = history_json(input, run);
            const std::size_t size = dumped(history).size();
            if (size <= room) {
                room -= size;
                json["history"] = std::move(history);
                shown = std::max(shown, run.history->domains.size());
                if (!demands.contains(run.demand))
                    demands[run.demand] = demand_json(input, *run.history);
            }
        }
        runs.push_back(std::move(json));
    }
    // Moves may be of domains that have no series.
    for (const PageDomain& domain : input.domains)
        domains.push_back({domain.name, domain.capacity_bytes});
    Json density = Json::array();
    for (const PageDensity& one : input.densities)
        density.push_back(
            {{"policy", one.policy}, {"demand", one.demand}, {"density", one.density}});
    return {
        {"name", input.name},      {"length_s", input.length_s},    {"tick_s", input.tick_s},
        {"charts", shown},         {"domains", std::move(domains)}, {"demands", std::move(demands)},
        {"runs", std::move(runs)}, {"density", std::move(density)}};
}

}  // namespace

std::string page_json(const Page& page) {
    Json why = Json::array();
    for (std::size_t i = 0; i < kWhyCount; ++i) {
        const auto one = static_cast<Why>(i);
        why.push_back({{"title", title_of(one)},
                       {"sentence", sentence_of(one)},
                       {"decision", is_decision(one)}});
    }
    Json facts = Json::array();
    for (const PageFact& fact : page.facts)
        facts.push_back({{"name", fact.name}, {"value", fact.value}, {"meaning", fact.meaning}});
    Json inputs = Json::array();
    std::size_t room = kMostHistoryBytes;
    for (const PageInput& input : page.inputs) inputs.push_back(input_json(input, room));
    return dumped({{"program", page.program},
                   {"title", page.title},
                   {"facts_title", page.facts_title},
                   {"goal_stall_percent", page.goal_stall_percent},
                   {"bounds", page.bounds},
                   {"facts", std::move(facts)},
                   {"why", std::move(why)},
                   {"bounded", bounded_sentence()},
                   {"inputs", std::move(inputs)}});
}

}  // namespace ballast::report
