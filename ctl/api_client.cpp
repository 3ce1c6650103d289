#include "ctl/api_client.h"

#include <fmt/format.h>

#include <unordered_set>

namespace ballast::ctl {
namespace {

std::string attribute_target(const std::string& domain, const std::string& attribute) {
    const std::string of = domain.empty() ? "" : "/domains/" + encode_segment(domain);
    return "/api/v1" + of + "/attributes/" + encode_segment(attribute);
}

tl::unexpected<CommandFailure> not_understood(const std::string& why) {
    return tl::unexpected(
        CommandFailure{ExitStatus::failed, "the daemon's answer is not understood: " + why});
}

CommandFailure failure_of(int status, const Json& body) {
    const bool refused = status == 403 || status == 409;
    const bool told = body.is_object() && body.contains("error") && body["error"].is_object();
    const std::string message = told ? body["error"].value("message", "") : "";
    return {refused ? ExitStatus::refused : ExitStatus::failed,
            message.empty() ? fmt::format("the daemon answered with status {}", status) : message};
}

}  // namespace

Answer ApiClient::call(const std::string& method, const std::string& target, const Json& body,
                       std::chrono::milliseconds patience) {
    constexpr auto kReplace = Json::error_handler_t::replace;
    const auto answer = transport_->send(
        method, target, body.is_null() ? "" : body.dump(-1, ' ', false, kReplace), patience);
    if (!answer) return tl::unexpected(answer.error());
    Json json = Json::parse(answer->body, nullptr, false);
    if (answer->status != 200) return tl::unexpected(failure_of(answer->status, json));
    if (!json.is_object()) return not_understood("it is not a JSON object");
    return json;
}

Answer ApiClient::status() {
    return call("GET", "/api/v1/status");
}

Answer ApiClient::domains() {
    Json all = {{"tick", 0}, {"count", 0}, {"domains", Json::array()}};
    // Domains that come and go between two pages may move one that was seen already.
    std::unordered_set<std::string> seen;
    std::size_t offset = 0;
    for (;;) {
        auto page = call("GET", fmt::format("/api/v1/domains?offset={}", offset));
        if (!page) return page;
        try {
            Json& part = page->at("domains");
            for (Json& domain : part)
                if (seen.insert(domain.at("uuid").get<std::string>()).second)
                    all["domains"].push_back(std::move(domain));
            offset += part.size();
            all["tick"] = page->at("tick");
            all["count"] = all["domains"].size();
            if (part.empty() || offset >= page->at("count").get<std::size_t>()) return all;
        } catch (const Json::exception& exception) {
            return not_understood(exception.what());
        }
    }
}

Answer ApiClient::explain(const std::string& domain) {
    return call("GET", "/api/v1/domains/" + encode_segment(domain) + "/explain");
}

Answer ApiClient::get_attribute(const std::string& domain, const std::string& attribute) {
    return call("GET", attribute_target(domain, attribute));
}

Answer ApiClient::set_attribute(const std::string& domain, const std::string& attribute,
                                const std::string& value) {
    return call("PUT", attribute_target(domain, attribute), {{"value", value}});
}

Answer ApiClient::reservations() {
    return call("GET", "/api/v1/reservations");
}

Answer ApiClient::reserve(std::uint64_t bytes, const std::string& domain, double expires_s) {
    Json body{{"bytes", std::to_string(bytes)}, {"expires_seconds", fmt::format("{}", expires_s)}};
    if (!domain.empty()) body["domain"] = domain;
    return call("POST", "/api/v1/reservations", body);
}

Answer ApiClient::cancel_reservation(std::uint64_t id) {
    return call("DELETE", "/api/v1/reservations/" + std::to_string(id));
}

Answer ApiClient::backends() {
    return call("GET", "/api/v1/backends");
}

Answer ApiClient::probe() {
    return call("GET", "/api/v1/probe");
}

Answer ApiClient::change_backend(const std::string& name, const std::string& action,
                                 const Json& fields, std::chrono::milliseconds patience) {
    return call("POST", "/api/v1/backends/" + encode_segment(name) + "/" + action, fields,
                patience);
}

Answer ApiClient::control(const std::string& action, const std::string& domain) {
    return call("POST", "/api/v1/" + action,
                domain.empty() ? Json::object() : Json{{"domain", domain}});
}

}  // namespace ballast::ctl
