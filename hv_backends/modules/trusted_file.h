// Opens files whose code may run as this process.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace ballast {

// Opens the regular file at `path`, which must be absolute, for reading. It and every folder above
// it must belong to root or to this process's user, and nobody else may write them (a folder with
// the sticky bit, as /tmp, may be written by all). Blocks on the file system. Errors:
// invalid_argument, not_found, permission (says which file or folder, and why), io.
Result<Fd> open_trusted_file(const std::string& path);

}  // namespace ballast
