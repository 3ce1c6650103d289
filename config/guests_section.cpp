// What keeps guests from harm beside the driver's rules.
#include "config/period.h"
#include "config/sections.h"

namespace ballast {

using std::chrono::hours;
using std::chrono::seconds;

void read_guests(const YamlNode& node, GuestSettings& into, std::vector<ConfigProblem>& problems) {
    Section section(node, "guests", problems);
    read_period(section, "stuck_after", into.stuck_after, {seconds(1), hours(1)});
    section.duration("stuck_retry_max", into.stuck_retry_max, {seconds(1), hours(24)});
    section.size("surge_below", into.surge_below_bytes);
    section.number("surge_below_percent", into.surge_below_percent, {0, 50});
    section.number("surge_faults_per_s", into.surge_faults_per_s, {0, 1'000'000});
    section.duration("surge_backoff", into.surge_backoff, {seconds(1), hours(1)});
    if (const auto rule = section.choice("set_by_others", {"adopt", "override", "release"}))
        into.set_by_others = static_cast<SetByOthers>(*rule);
}

}  // namespace ballast
