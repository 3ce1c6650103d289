// The part of the API that reserves host memory.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/units.h"
#include "controller/http/api.h"
#include "controller/http/audit.h"
#include "controller/http/call.h"
#include "controller/http/json.h"
#include "controller/http/reply.h"

namespace ballast {
namespace {

constexpr std::string_view kDefaultExpiry = "600";

template <class Number>
Result<Number> number_in(const std::map<std::string, std::string>& fields, const char* name,
                         std::string_view otherwise) {
    const auto found = fields.find(name);
    const std::string_view text = found == fields.end() ? otherwise : found->second;
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty())
        return fail(Errc::invalid_argument, std::string("field '") + name + "' is missing");
    if (error != std::errc() || end != text.data() + text.size())
        return fail(Errc::invalid_argument, std::string("field '") + name + "' is '" +
                                                std::string(text) + "', expected a number");
    return value;
}

// Whole days at most come through; the controller has its own bounds.
Result<Duration> expiry_in(const std::map<std::string, std::string>& fields) {
    const auto seconds = number_in<double>(fields, "expires_seconds", kDefaultExpiry);
    if (!seconds) return Failure(seconds.error());
    if (!std::isfinite(*seconds) || *seconds < 0 || *seconds > 1e6)
        return fail(Errc::invalid_argument,
                    "field 'expires_seconds' is out of range, expected 1 to 86400");
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*seconds));
}

Json reservation_json(const Reservation& one, Time now) {
    const double left = std::chrono::duration<double>(one.expires_at - now).count();
    return {{"id", one.id},
            {"bytes", one.bytes},
            {"outstanding_bytes", one.outstanding_bytes},
            {"domain", one.domain.empty() ? Json(nullptr) : Json(one.domain)},
            {"domain_seen", one.domain_seen},
            {"ready", one.ready},
            {"expires_in_seconds", std::max(0.0, left)}};
}

}  // namespace

Response Api::reservations(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const ReservationList told = control_.reservations();
    Json list = Json::array();
    for (const Reservation& one : told.reservations)
        list.push_back(reservation_json(one, clock_.now()));
    return json_reply(
        {{"available_bytes", known(told.available_bytes)}, {"reservations", std::move(list)}});
}

Response Api::reserve(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const auto fields = call.body_fields({"bytes", "domain", "expires_seconds"});
    if (!fields) return error_reply(fields.error());
    const auto bytes = number_in<std::uint64_t>(*fields, "bytes", "");
    if (!bytes) return error_reply(bytes.error());
    const auto expires = expiry_in(*fields);
    if (!expires) return error_reply(expires.error());
    const auto domain = fields->find("domain");
    const std::string name = domain == fields->end() ? "" : domain->second;
    const auto id = control_.reserve(*bytes, name, *expires);
    const std::string wanted =
        fmt::format("{} for {}", format_size(*bytes), format_duration(*expires));
    audit(call.request, "reserve", {{"domain", name}, {"id", id ? Json(*id) : Json(nullptr)}},
          wanted, id ? Result<Change>(Change{"", wanted}) : Failure(id.error()));
    if (!id) return error_reply(id.error());
    return json_reply({{"id", *id}});
}

Response Api::cancel_reservation(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const auto id = number_in<std::uint64_t>({{"id", call.parameter("id")}}, "id", "");
    if (!id) return error_reply(id.error());
    const auto cancelled = control_.cancel_reservation(*id);
    audit(
        call.request, "cancel_reservation", {{"id", *id}}, "",
        cancelled
            ? Result<Change>(Change{
                  fmt::format("{} for '{}'", format_size(cancelled->bytes), cancelled->domain), ""})
            : Failure(cancelled.error()));
    if (!cancelled) return error_reply(cancelled.error());
    return json_reply({{"id", *id}, {"cancelled", true}});
}

}  // namespace ballast
