// The names of a scenario's domains, for whatever refers to them.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/scenario.h"

namespace ballast {

inline constexpr std::uint64_t kMaxScenarioDomains = 1'000'000;

// Index of a domain in Scenario::domains.
using SpecIndex = std::size_t;

class ScenarioNames {
  public:
    // Takes `domain` with all the names that its count gives it. Answers the first name that is
    // taken already, or empty. `domain` outlives this object.
    std::string add(const ScenarioDomain& domain);

    // The domain that has `name`, which must be taken.
    SpecIndex owner(const std::string& name) const { return spec_by_name_.at(name); }

    // The domains with a name that is or matches `pattern`; empty matches all.
    std::vector<SpecIndex> matching(const std::string& pattern) const;

  private:
    bool any_name_matches(const ScenarioDomain& domain, const std::string& pattern) const;

    std::vector<const ScenarioDomain*> specs_;
    std::unordered_map<std::string, SpecIndex> spec_by_name_;
};

}  // namespace ballast
