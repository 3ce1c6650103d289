// Opens files whose code may run as this process.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace ballast {

// A module's file and the only directory that it may be in.
struct ModuleFile {
    std::string directory;  // absolute; empty: no file may be loaded at all
    std::string path;       // absolute, or the file's bare name
};

// A bare name with its directory; any other path as it is. Pure.
std::string full_path(const ModuleFile& file);

// Opens the regular file for reading. It lies directly in the directory. No part of the path may be
// a symbolic link. The file, the directory and every directory above it must belong to root or to
// this process's user, and nobody else may write them (a directory above with the sticky bit, as
// /tmp, may be written by all). A file on a mount that is noexec is refused, and on one that is
// nosuid unless this program's own file is on such a mount as well: systemd makes every mount of a
// service nosuid where the service may gain no privileges. All is checked on what was opened, so
// that a rename or a new link changes nothing afterwards. Runs no code of the file. Blocks on the
// file system. Errors: invalid_argument, not_found, permission (says which file or directory, and
// why), io.
Result<Fd> open_module_file(const ModuleFile& file);

}  // namespace ballast
