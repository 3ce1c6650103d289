#include "bus/record_json.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/glob.h"
#include "model/domain.h"

namespace ballast {
namespace {

using Json = nlohmann::ordered_json;

// A text that may lack its NUL: shared memory says what it likes.
template <std::size_t size>
std::string text(const char (&from)[size]) {
    return {from, ::strnlen(from, size)};
}

std::string uuid_text(const unsigned char (&uuid)[16]) {
    return to_string(DomainKey{std::to_array(uuid)});
}

double seconds(std::uint64_t ns) {
    return static_cast<double>(ns) * 1e-9;
}

Json if_known(std::uint64_t bytes) {
    return bytes == UINT64_MAX ? Json(nullptr) : Json(bytes);
}

void add_domain(Json& json, const ballast_bus_domain& domain) {
    json["domain"] = text(domain.name);
    json["uuid"] = uuid_text(domain.uuid);
}

void add(Json& json, const ballast_bus_decision& decision) {
    add_domain(json, decision.domain);
    json["tick"] = decision.tick;
    json["total_bytes"] = decision.total_bytes;
    json["min_mem_bytes"] = decision.min_mem_bytes;
    json["request_bytes"] = decision.request_bytes;
    json["oom_freed_bytes"] = decision.oom_freed_bytes;
    json["loaned_before_bytes"] = decision.loaned_before_bytes;
    json["decided_bytes"] = decision.decided_bytes;
    json["loan_target_bytes"] = decision.loan_target_bytes;
    json["loaned_after_bytes"] = decision.loaned_after_bytes;
    json["constraint"] = text(decision.constraint);
    json["outcome"] = text(decision.outcome);
}

void add(Json& json, const ballast_bus_domain_event& event) {
    add_domain(json, event.domain);
    json["what"] = text(event.what);
    json["bytes"] = event.bytes;
}

void add(Json& json, const ballast_bus_guest& guest) {
    add_domain(json, guest.domain);
    json["tick"] = guest.tick;
    json["total_bytes"] = guest.total_bytes;
    json["loaned_bytes"] = guest.loaned_bytes;
    json["unused_bytes"] = if_known(guest.unused_bytes);
    json["usable_bytes"] = if_known(guest.usable_bytes);
    json["cache_bytes"] = if_known(guest.cache_bytes);
    json["major_faults"] = if_known(guest.major_faults);
    json["shares"] = if_known(guest.shares);
    json["resident_bytes"] = if_known(guest.resident_bytes);
    json["late"] = guest.late == UINT64_MAX ? Json(nullptr) : Json(guest.late != 0);
}

void add(Json& json, const ballast_bus_tick& tick) {
    json["tick"] = tick.tick;
    json["domains"] = tick.domains;
    json["total_bytes"] = tick.total_bytes;
    json["loaned_bytes"] = tick.loaned_bytes;
    json["loan_target_bytes"] = tick.loan_target_bytes;
    json["inflated_bytes"] = tick.inflated_bytes;
    json["deflated_bytes"] = tick.deflated_bytes;
    json["host_available_bytes"] = if_known(tick.host_available_bytes);
    json["took_seconds"] = seconds(tick.took_ns);
    json["late_seconds"] = seconds(tick.late_ns);
    json["backend_up"] = tick.backend_up != 0;
    json["host_total_bytes"] = if_known(tick.host_total_bytes);
    json["host_reserve_bytes"] = if_known(tick.host_reserve_bytes);
    json["host_stall_seconds"] =
        tick.host_stall_ns == UINT64_MAX ? Json(nullptr) : Json(seconds(tick.host_stall_ns));
    json["host_swap_total_bytes"] = if_known(tick.host_swap_total_bytes);
    json["host_swap_free_bytes"] = if_known(tick.host_swap_free_bytes);
}

// What is not there is all ones: not known.
template <class Payload>
Payload grown(const ballast_bus_record& record, const Payload& payload) {
    Payload whole;
    std::memset(&whole, 0xff, sizeof(whole));
    std::memcpy(&whole, &payload, std::min<std::size_t>(record.size, sizeof(whole)));
    return whole;
}

}  // namespace

const std::vector<std::string>& bus_type_names() {
    // By number, from 1.
    static const std::vector<std::string> names{
        "decision", "oom", "hotplug", "migration", "backend", "tick", "config", "domain", "guest"};
    return names;
}

std::optional<std::uint16_t> bus_type_from_name(std::string_view name) {
    const auto& names = bus_type_names();
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<std::uint16_t>(found - names.begin() + 1);
}

bool is_known_record(const ballast_bus_record& record) {
    switch (record.type) {
        case BALLAST_BUS_DECISION:
            return record.size >= sizeof(ballast_bus_decision);
        case BALLAST_BUS_TICK:
            return record.size >= offsetof(ballast_bus_tick, host_total_bytes);
        case BALLAST_BUS_GUEST:
            return record.size >= offsetof(ballast_bus_guest, cache_bytes);
        case BALLAST_BUS_BACKEND:
        case BALLAST_BUS_CONFIG:
            return true;
        case BALLAST_BUS_OOM:
        case BALLAST_BUS_HOTPLUG:
        case BALLAST_BUS_MIGRATION:
        case BALLAST_BUS_DOMAIN:
            return record.size >= sizeof(ballast_bus_domain_event);
        default:
            return false;
    }
}

ballast_bus_guest bus_guest_of(const ballast_bus_record& record) {
    return grown(record, record.payload.guest);
}

ballast_bus_tick bus_tick_of(const ballast_bus_record& record) {
    return grown(record, record.payload.tick);
}

std::optional<Json> record_json(const ballast_bus_record& record) {
    if (!is_known_record(record)) return std::nullopt;
    Json json{{"type", bus_type_names()[record.type - 1U]},
              {"time", static_cast<double>(record.wall_ns) * 1e-9},
              {"epoch", record.epoch},
              {"position", record.position},
              {"lost", record.lost}};
    switch (record.type) {
        case BALLAST_BUS_DECISION:
            add(json, record.payload.decision);
            break;
        case BALLAST_BUS_TICK:
            add(json, bus_tick_of(record));
            break;
        case BALLAST_BUS_GUEST:
            add(json, bus_guest_of(record));
            break;
        case BALLAST_BUS_BACKEND:
        case BALLAST_BUS_CONFIG:
            json["text"] = std::string(record.payload.notice.text,
                                       ::strnlen(record.payload.notice.text, record.size));
            break;
        default:
            add(json, record.payload.event);
            break;
    }
    return json;
}

bool RecordFilter::matches(const Json& record) const {
    const auto any = [](const std::vector<std::string>& wanted, auto&& fits) {
        return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), fits);
    };
    if (types.empty() && record.at("type") == "guest") return false;
    if (!domains.empty() && !record.contains("domain")) return false;
    const std::string domain = record.value("domain", "");
    return any(types, [&](const std::string& type) { return record.at("type") == type; }) &&
           any(domains, [&](const std::string& pattern) { return glob_matches(pattern, domain); });
}

}  // namespace ballast
