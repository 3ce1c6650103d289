// The API's JSON. Field names are stable; sizes are in bytes, durations in seconds; a figure that
// is not known is null. docs/openapi.yaml describes every object.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.h"
#include "model/snapshot.h"

namespace ballast {

// Keeps fields in the order they are written here.
using Json = nlohmann::ordered_json;

// Rows that have both a name and a decision.
std::size_t row_count(const Snapshot& snapshot) noexcept;
// The row of the domain that `text` names. Errors: those of find_domain.
Result<std::size_t> find_row(const Snapshot& snapshot, std::string_view text);

// null where a backend cannot tell.
Json known(std::uint64_t bytes);

// `bus_path`: where the event bus is now; empty: there is none.
Json status_json(const Snapshot& snapshot, std::string_view bus_path);
Json domain_json(const Snapshot& snapshot, std::size_t row);
Json explain_json(const Snapshot& snapshot, std::size_t row);
// {"error": {"code", "message", "errno", "errno_name"}}
Json error_json(std::string_view code, std::string_view message, int sys_errno = 0);

// The text to send; bytes that are not UTF-8 become U+FFFD.
std::string to_text(const Json& json);

}  // namespace ballast
