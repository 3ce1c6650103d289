// Records of the event bus as JSON, and their types by name. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bus/ballast_bus.h"

namespace ballast {

// "decision", "oom", "hotplug", "migration", "backend", "tick", "config", "domain", "guest".
const std::vector<std::string>& bus_type_names();
std::optional<std::uint16_t> bus_type_from_name(std::string_view name);

// Whether its type is known here and it is at least as long as that type's first version.
bool is_known_record(const ballast_bus_record& record);

// The payload of a known record of that type; what an older version lacks is not known
// (UINT64_MAX).
ballast_bus_guest bus_guest_of(const ballast_bus_record& record);
ballast_bus_tick bus_tick_of(const ballast_bus_record& record);

// The record of a type that is known here, with sizes in bytes and times in seconds; nullopt: it is
// not known, or too short for what its type says.
std::optional<nlohmann::ordered_json> record_json(const ballast_bus_record& record);

// Which records somebody wants; without one of either, all but guests' figures, of which there are
// many.
struct RecordFilter {
    std::vector<std::string> types;    // by name
    std::vector<std::string> domains;  // glob patterns of their names

    // Of record_json().
    bool matches(const nlohmann::ordered_json& record) const;
};

}  // namespace ballast
