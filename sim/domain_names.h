// A scenario's domains one by one, and which of them a name or glob means.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "model/scenario.h"

namespace ballast {

// One domain of a scenario; a ScenarioDomain with count n gives n of them.
struct NamedDomain {
    std::string name;
    std::size_t spec = 0;  // index in Scenario::domains
};

// "vm" with count 3 becomes vm1, vm2, vm3; with count 1 it stays vm. In the order of the file.
std::vector<NamedDomain> expand_domains(const std::vector<ScenarioDomain>& domains);

// True if `pattern`, as an event or a fault names its domains, means `name`: a name, a glob as in
// fnmatch(3), or empty for all.
bool matches_domain(const std::string& pattern, std::string_view name);

}  // namespace ballast
