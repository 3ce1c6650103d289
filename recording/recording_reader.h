// Recordings of real hosts as workloads.
#pragma once

#include <string>

#include "base/result.h"
#include "recording/recorded_host.h"

namespace ballast {

// Whether the file begins as an SQLite database does; false where it cannot be read.
bool is_sqlite_file(const std::string& path);

// Reads what was committed, also of a recording that is being written at this moment; docs/
// recordings.md tells what becomes of it. Blocks on the file. Errors: io (it cannot be read, or is
// damaged), invalid_argument (no recording, of another version, or nothing in it that could be
// replayed).
Result<Recording> read_recording(const std::string& path);

}  // namespace ballast
