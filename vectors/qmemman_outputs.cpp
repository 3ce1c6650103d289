#include "policy/peers/qmemman.h"

#include <map>
#include <string>
#include <vector>

#include "vectors/fields.h"
#include "vectors/outputs.h"
#include "vectors/qmemman_replay.h"

namespace ballast::vectors {
namespace {

using Json = nlohmann::json;
using Input = nlohmann::ordered_json;
using qmemman::Domain;
using qmemman::Request;
using qmemman::Tuning;

std::vector<Domain> domains_of(const Input& input) {
    std::vector<Domain> domains;
    for (const Input& domain : list(input, "domains")) domains.push_back(read_domain(domain));
    return domains;
}

Json named(const std::vector<std::string>& ids, std::span<const std::size_t> rows) {
    Json names = Json::array();
    for (const std::size_t row : rows) names.push_back(ids[row]);
    return names;
}

Json named(const std::vector<std::string>& ids, std::span<const Request> requests) {
    Json pairs = Json::array();
    for (const Request& request : requests)
        pairs.push_back({ids[request.row], whole(request.memory_target_bytes)});
    return pairs;
}

Json pref(const Input& input) {
    Tuning tuning;
    tuning.cache_factor = number_if_any(input, "cache_factor").value_or(tuning.cache_factor);
    tuning.least_pref_bytes = number_if_any(input, "min_prefmem").value_or(tuning.least_pref_bytes);
    tuning.dom0_boost_bytes =
        number_if_any(input, "dom0_mem_boost").value_or(tuning.dom0_boost_bytes);
    number(input, "mem_used");
    return {{"pref_mem", whole(pref_bytes(read_domain(input), tuning))}};
}

Json meminfo(const Input& input) {
    const auto used_bytes = qmemman::parse_used_kib(text(input, "text"));
    return {{"mem_used", used_bytes ? whole(*used_bytes) : Json()}};
}

Json balance(const Input& input) {
    const auto ids = domids(input);
    const auto domains = domains_of(input);
    const double free_bytes = number(input, "xen_free_mem");
    qmemman::Algorithm algorithm;
    const auto requests = algorithm.balance(free_bytes, domains);
    const qmemman::Balance& weighed = algorithm.weigh(free_bytes, domains);
    return {{"total_available_mem", whole(weighed.available_bytes)},
            {"total_mem_pref", whole(weighed.total_pref_bytes)},
            {"total_mem_pref_acceptors", whole(weighed.acceptors_pref_bytes)},
            {"donors", named(ids, weighed.donors)},
            {"acceptors", named(ids, weighed.acceptors)},
            {"branch", weighed.enough() ? "enough" : "low"},
            {"requests", named(ids, requests)}};
}

Json balloon(const Input& input) {
    qmemman::Algorithm algorithm;
    const auto requests = algorithm.balloon(number(input, "mem_size"), domains_of(input));
    return {{"available", whole(algorithm.balloon_available_bytes())},
            {"requests", named(domids(input), requests)}};
}

Json significant(const Input& input) {
    const auto ids = domids(input);
    const auto domains = domains_of(input);
    std::vector<Request> requests;
    for (const Input& request : list(input, "requests")) {
        if (!request.is_array() || request.size() != 2)
            throw BadInput{"pairs of domain and bytes in 'requests'"};
        const std::size_t row = row_of(ids, text_in(request[0], "requests"));
        if (!domains[row].used_bytes) throw BadInput{"'mem_used' of every domain in 'requests'"};
        requests.push_back({row, number_in(request[1], "requests")});
    }
    const qmemman::Algorithm algorithm;
    return {{"significant", algorithm.significant(requests, number(input, "xenfree"), domains)}};
}

Json cleared(const Input& input) {
    const auto ids = domids(input);
    auto domains = domains_of(input);
    qmemman::clear_markers(domains, {});
    Json result = Json::array();
    for (std::size_t row = 0; row < domains.size(); ++row)
        result.push_back({ids[row], domains[row].no_progress, domains[row].slow});
    return {{"domains", std::move(result)}};
}

}  // namespace

Domain read_domain(const Input& input) {
    Domain domain;
    domain.dom0 = text(input, "domid") == "0";
    domain.used_bytes = number_if_any(input, "mem_used");
    domain.current_bytes = number_if_any(input, "mem_current").value_or(0);
    domain.actual_bytes = number_if_any(input, "mem_actual").value_or(0);
    domain.max_bytes = number(input, "mem_max");
    domain.last_target_bytes = number_if_any(input, "last_target").value_or(0);
    domain.no_progress = flag(input, "no_progress");
    domain.slow = flag(input, "slow_memset_react");
    return domain;
}

std::vector<std::string> domids(const Input& input) {
    std::vector<std::string> ids;
    for (const Input& domain : list(input, "domains")) ids.push_back(text(domain, "domid"));
    return ids;
}

std::size_t row_of(const std::vector<std::string>& ids, const std::string& domid) {
    for (std::size_t row = 0; row < ids.size(); ++row)
        if (ids[row] == domid) return row;
    throw BadInput{fmt::format("a domain '{}' in 'domains'", domid)};
}

Result<Json> qmemman_output(std::string_view kind, const Input& input) {
    using Function = Json (*)(const Input&);
    static const std::map<std::string_view, Function> functions{
        {"pref_mem", pref},
        {"meminfo_parse", meminfo},
        {"balloon", balloon},
        {"significant", significant},
        {"clear_markers", cleared},
        {"trace_do_balance", replay_balance},
        {"trace_do_balloon", replay_balloon},
        {"trace_do_balloon_dom", replay_balloon_dom},
    };
    const bool weighing = kind.substr(0, 8) == "balance_";
    const auto found = functions.find(kind);
    if (!weighing && found == functions.end())
        return fail(Errc::invalid_argument,
                    fmt::format("expected a kind of qmemman's, not '{}'", kind));
    try {
        return weighing ? balance(input) : found->second(input);
    } catch (const BadInput& bad) {
        return fail(Errc::invalid_argument, "expected " + bad.expected);
    }
}

}  // namespace ballast::vectors
