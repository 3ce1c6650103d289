#include "hv_backends/modules/trusted_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace ballast {
namespace {

Result<void> check(const std::string& path, const struct stat& found) {
    if (found.st_uid != 0 && found.st_uid != ::geteuid())
        return fail(Errc::permission,
                    fmt::format("{} belongs to user {}, expected root or the daemon's own user",
                                path, found.st_uid));
    const bool others_write = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    const bool sticky_folder = S_ISDIR(found.st_mode) && (found.st_mode & S_ISVTX) != 0;
    if (others_write && !sticky_folder)
        return fail(Errc::permission,
                    fmt::format("{} can be written by others than its owner (mode {:04o})", path,
                                found.st_mode & 07777U));
    return {};
}

}  // namespace

Result<Fd> open_trusted_file(const std::string& path) {
    const bool whole = path.find('\0') == path.npos;
    if (path.empty() || path.front() != '/' || !whole)
        return fail(Errc::invalid_argument,
                    fmt::format("'{}' is not an absolute path to a module", path));
    // Links resolved: what counts is where the file really is.
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                           &std::free);
    if (real == nullptr)
        return fail(errno == ENOENT || errno == ENOTDIR ? Errc::not_found : Errc::io, path, errno);
    // Not blocking: it may be a pipe.
    Fd file(::open(real.get(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file) return fail(errno == EACCES ? Errc::permission : Errc::io, path, errno);
    struct stat found {};
    if (::fstat(file.get(), &found) != 0) return fail(Errc::io, path, errno);
    if (!S_ISREG(found.st_mode))
        return fail(Errc::invalid_argument, path + " is not a regular file");
    if (auto trusted = check(real.get(), found); !trusted) return Failure(trusted.error());
    std::filesystem::path folder = std::filesystem::path(real.get()).parent_path();
    for (;; folder = folder.parent_path()) {
        if (::stat(folder.c_str(), &found) != 0) return fail(Errc::io, folder.string(), errno);
        if (auto trusted = check(folder.string(), found); !trusted) return Failure(trusted.error());
        if (folder == folder.parent_path()) return file;
    }
}

}  // namespace ballast
