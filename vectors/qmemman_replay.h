// qmemman's calls fed with recorded readings.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "policy/peers/qmemman.h"

namespace ballast::vectors {

// A domain of an input, and the names of all. Errors, here and below: BadInput.
qmemman::Domain read_domain(const nlohmann::ordered_json& input);
std::vector<std::string> domids(const nlohmann::ordered_json& input);
// Where `domid` stands among them.
std::size_t row_of(const std::vector<std::string>& ids, const std::string& domid);

// Everything that the call asked for and did, in order, and how it left the domains. Where it asks
// for more readings than there are, its result says so and the rest is missing.
nlohmann::json replay_balance(const nlohmann::ordered_json& input);
nlohmann::json replay_balloon(const nlohmann::ordered_json& input);
nlohmann::json replay_balloon_dom(const nlohmann::ordered_json& input);

}  // namespace ballast::vectors
