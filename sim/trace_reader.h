// Traces of memory demand as CSV.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/units.h"
#include "sim/workload.h"

namespace ballast {

// Traces do not tell of balloons; virtio's moves about as much on current machines.
inline constexpr std::uint64_t kTraceBalloonBytesPerS = kGiB;

// Reads "vm,t_s,capacity_kib,used_kib": a machine's rows in rising order of time, 0 <= used <=
// capacity, which stays the same. The earliest time in the file becomes 0. A machine is there from
// its first row to its last; one whose last row is the file's last time stays to the end. Lines may
// end in CR LF. Errors: invalid_argument, as "NAME:LINE:COLUMN: what was found, what was expected".
Result<Workload> parse_trace(std::string_view text, const std::string& name);
// The same from a file; io where it cannot be read. Blocks on the file.
Result<Workload> read_trace(const std::string& path);

}  // namespace ballast
