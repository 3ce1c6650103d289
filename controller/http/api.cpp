#include "controller/http/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "controller/http/audit.h"
#include "controller/http/call.h"
#include "controller/http/reply.h"

namespace ballast {
namespace {

constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::uint64_t kMaxPage = 1000;  // bounds the memory one request takes
constexpr std::uint64_t kMaxOffset = std::uint64_t{1} << 40U;

// The loop counts as dead after so many delays without a tick, and this much grace: a backend call
// may take its whole timeout.
constexpr int kMissedDelays = 3;
constexpr Duration kTickGrace = std::chrono::seconds(10);
constexpr Duration kStartGrace = std::chrono::seconds(30);

Response not_ticked() {
    return error_reply(503, "starting", "the control loop has not made its first tick yet");
}

Json or_all(const std::string& domain) {
    return domain.empty() ? Json(nullptr) : Json(domain);
}

}  // namespace

Api::Api(const SnapshotExchange& snapshots, Control& control, BackendAdmin& backends,
         const ProbeStatus& probe, const Clock& clock, std::function<std::string()> metrics,
         std::function<std::string()> bus_path)
    : snapshots_(snapshots),
      control_(control),
      backends_(backends),
      probe_(probe),
      clock_(clock),
      metrics_(std::move(metrics)),
      bus_path_(std::move(bus_path)),
      started_(clock.now()) {}

std::span<const Api::Route> Api::routes() noexcept {
    static constexpr std::array<Route, 23> kRoutes{{
        {"GET", "/metrics", false, &Api::metrics},
        {"GET", "/healthz", false, &Api::healthz},
        {"GET", "/readyz", false, &Api::readyz},
        {"GET", "/api/v1/status", false, &Api::status},
        {"GET", "/api/v1/domains", false, &Api::domains},
        {"GET", "/api/v1/domains/{name}", false, &Api::domain},
        {"GET", "/api/v1/domains/{name}/explain", false, &Api::explain_domain},
        {"GET", "/api/v1/attributes/{attribute}", false, &Api::get_attribute},
        {"PUT", "/api/v1/attributes/{attribute}", true, &Api::put_attribute},
        {"GET", "/api/v1/domains/{name}/attributes/{attribute}", false, &Api::get_attribute},
        {"PUT", "/api/v1/domains/{name}/attributes/{attribute}", true, &Api::put_attribute},
        {"POST", "/api/v1/disable", true, &Api::disable},
        {"POST", "/api/v1/enable", true, &Api::enable},
        {"POST", "/api/v1/release", true, &Api::release},
        {"GET", "/api/v1/reservations", false, &Api::reservations},
        {"POST", "/api/v1/reservations", true, &Api::reserve},
        {"DELETE", "/api/v1/reservations/{id}", true, &Api::cancel_reservation},
        {"GET", "/api/v1/probe", false, &Api::probe},
        {"GET", "/api/v1/events", false, &Api::events},
        {"GET", "/api/v1/backends", false, &Api::backends},
        {"POST", "/api/v1/backends/{name}/load", true, &Api::load_backend},
        {"POST", "/api/v1/backends/{name}/unload", true, &Api::unload_backend},
        {"POST", "/api/v1/backends/{name}/lockdown", true, &Api::lock_backend},
    }};
    return kRoutes;
}

Response Api::handle(const Request& request) const noexcept {
    try {
        return route(request);
    } catch (const std::exception& exception) {
        return error_reply({Errc::io, exception.what(), 0});
    }
}

Response Api::route(const Request& request) const {
    const auto target = parse_target(request.target);
    if (!target) return error_reply(target.error());
    const std::string_view asked = request.method;
    const std::string_view method = asked == "HEAD" ? "GET" : asked;
    std::string allow;
    for (const Route& candidate : routes()) {
        if (!matches(candidate.pattern, *target)) continue;
        if (candidate.method != method) {
            allow += fmt::format("{}{}", allow.empty() ? "" : ", ", candidate.method);
            continue;
        }
        if (candidate.writes && request.transport == Transport::tcp)
            return error_reply({Errc::permission, "changes are made over the Unix socket only", 0});
        if (candidate.writes && !request.write.allowed)
            return error_reply({Errc::permission, request.write.reason, 0});
        return (this->*candidate.handler)(Call{request, *target, candidate.pattern});
    }
    if (allow.empty()) return error_reply({Errc::not_found, "no such path", 0});
    Response response = error_reply(405, "method_not_allowed", "this path answers " + allow);
    response.allow = std::move(allow);
    return response;
}

Response Api::metrics(const Call&) const {
    return {200, std::string(kMetricsType), metrics_(), ""};
}

Response Api::healthz(const Call&) const {
    if (control_.stopping()) return text_reply(200, "ok: stopping");
    const Time now = clock_.now();
    const auto snapshot = snapshots_.latest();
    if (!snapshot && now - started_ <= kStartGrace) return text_reply(200, "ok: starting");
    if (!snapshot) return text_reply(503, "the control loop has never ticked");
    if (now - snapshot->tick.at <= kMissedDelays * snapshot->delay + kTickGrace)
        return text_reply(200, "ok");
    const auto whole = [](Duration span) {
        return std::chrono::duration_cast<std::chrono::seconds>(span).count();
    };
    std::string why = fmt::format("no tick for {} s", whole(now - snapshot->tick.at));
    for (const ModuleInfo& module : backends_.list())
        if (!module.running_call.empty())
            why += fmt::format("; {} of backend '{}' has not returned for {} s",
                               module.running_call, module.name, whole(module.running_for));
    return text_reply(503, why);
}

Response Api::readyz(const Call&) const {
    if (control_.stopping()) return text_reply(503, "stopping: giving back what was lent");
    const auto all = backends_.list();
    if (std::none_of(all.begin(), all.end(), [](const ModuleInfo& info) { return info.in_charge; }))
        return text_reply(503, "no backend is loaded");
    const auto snapshot = snapshots_.latest();
    if (snapshot && snapshot->calls.observe_ok > 0) return text_reply(200, "ok");
    return text_reply(503, "nothing was observed yet");
}

Response Api::status(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const auto snapshot = snapshots_.latest();
    return snapshot ? json_reply(status_json(*snapshot, bus_path_())) : not_ticked();
}

Response Api::domains(const Call& call) const {
    if (auto checked = call.only_parameters({"offset", "limit"}); !checked)
        return error_reply(checked.error());
    const auto offset = call.number("offset", 0, kMaxOffset);
    if (!offset) return error_reply(offset.error());
    const auto limit = call.number("limit", kMaxPage, kMaxPage);
    if (!limit) return error_reply(limit.error());
    const auto snapshot = snapshots_.latest();
    if (!snapshot) return not_ticked();

    const std::size_t rows = row_count(*snapshot);
    const std::size_t begin = std::min<std::size_t>(*offset, rows);
    const std::size_t end = begin + std::min<std::size_t>(*limit, rows - begin);
    Json list = Json::array();
    for (std::size_t row = begin; row < end; ++row) list.push_back(domain_json(*snapshot, row));
    return json_reply({{"tick", snapshot->tick.number},
                       {"count", rows},
                       {"offset", begin},
                       {"domains", std::move(list)}});
}

Response Api::domain(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const auto snapshot = snapshots_.latest();
    if (!snapshot) return not_ticked();
    const auto row = find_row(*snapshot, call.parameter("name"));
    return row ? json_reply(domain_json(*snapshot, *row)) : error_reply(row.error());
}

Response Api::explain_domain(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const auto snapshot = snapshots_.latest();
    if (!snapshot) return not_ticked();
    const auto row = find_row(*snapshot, call.parameter("name"));
    return row ? json_reply(explain_json(*snapshot, *row)) : error_reply(row.error());
}

Response Api::get_attribute(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const std::string domain = call.parameter("name");
    if (!domain.empty() && !snapshots_.latest()) return not_ticked();
    const std::string attribute = call.parameter("attribute");
    const auto value = control_.get_attribute(domain, attribute);
    if (!value) return error_reply(value.error());
    return json_reply({{"domain", or_all(domain)}, {"attribute", attribute}, {"value", *value}});
}

Response Api::put_attribute(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const auto wanted = call.body_field("value");
    if (!wanted) return error_reply(wanted.error());
    if (!*wanted) return error_reply({Errc::invalid_argument, "field 'value' is missing", 0});
    const std::string domain = call.parameter("name");
    if (!domain.empty() && !snapshots_.latest()) return not_ticked();
    const std::string attribute = call.parameter("attribute");
    const auto change = control_.set_attribute(domain, attribute, **wanted);
    const Json object = {{"domain", or_all(domain)}, {"attribute", attribute}};
    audit(call.request, "set_attribute", object, **wanted, change);
    if (!change) return error_reply(change.error());
    return json_reply(
        {{"domain", or_all(domain)}, {"attribute", attribute}, {"value", change->after}});
}

Response Api::set_disabled(const Call& call, bool disabled) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const auto domain = call.body_field("domain");
    if (!domain) return error_reply(domain.error());
    const std::string name = domain->value_or("");
    if (!name.empty() && !snapshots_.latest()) return not_ticked();
    const auto change = control_.disable(name, disabled);
    audit(call.request, disabled ? "disable" : "enable", {{"domain", or_all(name)}},
          disabled ? "1" : "0", change);
    if (!change) return error_reply(change.error());
    return json_reply({{"domain", or_all(name)}, {"disabled", disabled}});
}

Response Api::disable(const Call& call) const {
    return set_disabled(call, true);
}

Response Api::enable(const Call& call) const {
    return set_disabled(call, false);
}

Response Api::release(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const auto domain = call.body_field("domain");
    if (!domain) return error_reply(domain.error());
    const std::string name = domain->value_or("");
    if (!name.empty() && !snapshots_.latest()) return not_ticked();
    const auto change = control_.release(name);
    audit(call.request, "release", {{"domain", or_all(name)}}, "0", change);
    if (!change) return error_reply(change.error());
    return json_reply({{"domain", or_all(name)}, {"released", true}});
}

}  // namespace ballast
