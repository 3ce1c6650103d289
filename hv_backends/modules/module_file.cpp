#include "hv_backends/modules/module_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace ballast {
namespace {

Failure refuse(const std::string& path, std::string_view why) {
    return fail(Errc::permission, fmt::format("{} {}", path, why));
}

bool is_file_name(std::string_view name) {
    return !name.empty() && name != "." && name != ".." &&
           name.find_first_of(std::string_view("/\0", 2)) == name.npos;
}

// Names between single slashes, from the root on.
bool is_plain_absolute(std::string_view path) {
    if (path.size() < 2 || path.front() != '/') return false;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::size_t end = std::min(path.find('/'), path.size());
        if (!is_file_name(path.substr(0, end))) return false;
        path.remove_prefix(end);
    }
    return true;
}

// The file's name in its directory.
Result<std::string> name_in_directory(const ModuleFile& file) {
    if (file.directory.empty())
        return fail(Errc::permission, fmt::format("{}: no module may be loaded: "
                                                  "backend.module_directory is empty",
                                                  file.path));
    if (!is_plain_absolute(file.directory))
        return fail(Errc::invalid_argument,
                    fmt::format("backend.module_directory is '{}', expected an absolute path "
                                "without '.', '..' and empty names",
                                file.directory));
    std::string_view name = file.path;
    if (name.starts_with(file.directory + "/")) name.remove_prefix(file.directory.size() + 1);
    if (!is_file_name(name))
        return fail(Errc::permission,
                    fmt::format("'{}' is not a file directly in {}: modules are loaded from there "
                                "alone (backend.module_directory)",
                                file.path, file.directory));
    return std::string(name);
}

enum class Kind { directory_above, directory, file };

Result<void> check_owner(const std::string& path, Kind kind, const struct stat& found) {
    if (found.st_uid != 0 && found.st_uid != ::geteuid())
        return refuse(path,
                      fmt::format("belongs to user {}, expected root or the daemon's own user",
                                  found.st_uid));
    const bool others_write = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    const bool is_sticky = kind == Kind::directory_above && (found.st_mode & S_ISVTX) != 0;
    if (others_write && !is_sticky)
        return refuse(path, fmt::format("can be written by others than its owner (mode {:04o})",
                                        found.st_mode & 07777U));
    return {};
}

// `parent` invalid: `name` is the root.
Result<Fd> open_part(const Fd& parent, const std::string& name, const std::string& path,
                     Kind kind) {
    // Not blocking: it may be a pipe.
    const int flags = kind == Kind::file ? O_RDONLY | O_NONBLOCK : O_PATH | O_DIRECTORY;
    Fd part(
        ::openat(parent ? parent.get() : AT_FDCWD, name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC));
    struct stat found {};
    if (!part) {
        const int error = errno;
        const bool is_link =
            parent && ::fstatat(parent.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISLNK(found.st_mode);
        if (is_link) return refuse(path, "is a symbolic link, expected the file's real path");
        if (error == EACCES) return fail(Errc::permission, path, error);
        return fail(error == ENOENT || error == ENOTDIR ? Errc::not_found : Errc::io, path, error);
    }
    if (::fstat(part.get(), &found) != 0) return fail(Errc::io, path, errno);
    if (kind == Kind::file && !S_ISREG(found.st_mode))
        return fail(Errc::invalid_argument, path + " is not a regular file");
    if (auto trusted = check_owner(path, kind, found); !trusted) return Failure(trusted.error());
    return part;
}

Result<unsigned long> mount_flags(const Fd& file, const std::string& path) {
    struct statvfs found {};
    if (::fstatvfs(file.get(), &found) != 0) return fail(Errc::io, path, errno);
    return found.f_flag;
}

Result<void> check_mount(const Fd& file, const std::string& path) {
    const auto flags = mount_flags(file, path);
    if (!flags) return Failure(flags.error());
    if ((*flags & ST_NOEXEC) != 0) return refuse(path, "is on a file system mounted noexec");
    if ((*flags & ST_NOSUID) != 0) {
        const std::string self = "/proc/self/exe";
        const auto own = mount_flags(Fd(::open(self.c_str(), O_PATH | O_CLOEXEC)), self);
        if (!own) return Failure(own.error());
        if ((*own & ST_NOSUID) == 0) return refuse(path, "is on a file system mounted nosuid");
    }
    // The kernel's own word, with that of its security modules, on the file itself.
    void* const mapped = ::mmap(nullptr, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, file.get(), 0);
    if (mapped == MAP_FAILED) return fail(Errc::permission, path + " may not be executed", errno);
    ::munmap(mapped, 1);
    return {};
}

}  // namespace

std::string full_path(const ModuleFile& file) {
    return is_file_name(file.path) ? file.directory + "/" + file.path : file.path;
}

Result<Fd> open_module_file(const ModuleFile& file) {
    const auto name = name_in_directory(file);
    if (!name) return Failure(name.error());
    auto directory = open_part(Fd(), "/", "/", Kind::directory_above);
    for (std::size_t begin = 1; directory && begin <= file.directory.size();) {
        const std::size_t end = std::min(file.directory.find('/', begin), file.directory.size());
        const bool is_last = end == file.directory.size();
        directory = open_part(*directory, file.directory.substr(begin, end - begin),
                              file.directory.substr(0, end),
                              is_last ? Kind::directory : Kind::directory_above);
        begin = end + 1;
    }
    if (!directory) return directory;
    const std::string path = file.directory + "/" + *name;
    auto opened = open_part(*directory, *name, path, Kind::file);
    if (!opened) return opened;
    if (auto fit = check_mount(*opened, path); !fit) return Failure(fit.error());
    return opened;
}

}  // namespace ballast
