// What the daemon's own readers pay: how they are counted, and measured.
#include <array>

#include "config/sections.h"

namespace ballast {
namespace {

void read_scheme(Section& section, std::string_view key, RefScheme& into) {
    static constexpr std::array schemes{RefScheme::automatic, RefScheme::atomic, RefScheme::percpu,
                                        RefScheme::perthread};
    static const std::vector<std::string_view> names{to_string(schemes[0]), to_string(schemes[1]),
                                                     to_string(schemes[2]), to_string(schemes[3])};
    if (const auto chosen = section.choice(key, names)) into = schemes[*chosen];
}

}  // namespace

void read_references(const YamlNode& node, ReferenceSettings& into,
                     std::vector<ConfigProblem>& problems) {
    Section section(node, "references", problems);
    read_scheme(section, "module_refs", into.module_refs);
    read_scheme(section, "snapshot_refs", into.snapshot_refs);
}

void read_probe(const YamlNode& node, ProbeSettings& into, std::vector<ConfigProblem>& problems) {
    Section section(node, "probe", problems);
    section.flag("enabled", into.enabled);
    section.duration("budget_per_s", into.budget_per_s,
                     {std::chrono::microseconds(10), std::chrono::milliseconds(100)});
    section.number("loops", into.loops, {100, 100'000});
    section.number("nruns", into.nruns, {3, 1000});
    if (std::uint32_t readers = 0; section.number("nreaders", readers, {1, 256}))
        into.nreaders = readers;
}

}  // namespace ballast
