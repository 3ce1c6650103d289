// A recording, for commands that run policies on what its guests needed.
#pragma once

#include <ostream>
#include <string>

#include "base/result.h"
#include "recording/recording_reader.h"

namespace ballast::ctl {

// Tells on `err` what is missing in it. A host of unknown memory is as large as its guests. Errors:
// those of read_recording.
Result<Recording> load_recording(const std::string& path, std::ostream& err);

}  // namespace ballast::ctl
