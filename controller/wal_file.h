// SQLite's write-ahead log as a file: SQLite passes over what is damaged in it, and says nothing.
#pragma once

#include <string>

namespace ballast {

// What is wrong with the log at `path`; empty where nothing is, or where there is none. The file's
// end may lack bytes: that is how a process ends that is killed while it writes. Expects logs that
// are emptied after each checkpoint. Blocks for reading the file.
std::string wal_damage(const std::string& path);

}  // namespace ballast
