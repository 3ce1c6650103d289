#include "hv_backends/modules/module_file.h"

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <vector>

#include "hv_backends/modules/image.h"
#include "staged.h"
#include "tests/skip.h"

using namespace ballast;
using namespace ballast::test;

namespace {

namespace fs = std::filesystem;

std::string refusal(const ModuleFile& file) {
    const auto opened = open_module_file(file);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::permission);
    return opened.error().context;
}

bool constructor_ran() {
    return std::getenv("BALLAST_TEST_CONSTRUCTOR") != nullptr;
}

// A file system of its own on `directory`, in a mount namespace of this thread; false: not allowed
// here.
bool mount_on(const fs::path& directory, unsigned long flags) {
    return ::unshare(CLONE_NEWNS) == 0 &&
           ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", directory.c_str(), "tmpfs", flags, "mode=0755") == 0;
}

}  // namespace

TEST_CASE("a module is a file directly in the one directory, by its path or its bare name") {
    const Staged staged;
    const std::string directory = staged.folder();
    const std::string path = staged("odd");
    CHECK(open_module_file({directory, path}));
    CHECK(open_module_file({directory, "odd.so"}));
    using Catch::Contains;
    fs::create_directory(staged.folder() / "sub");
    fs::copy_file(path, staged.folder() / "sub" / "odd.so");
    const std::string expected = "is not a file directly in " + directory;
    for (const std::string& outside : std::vector<std::string>{
             std::string("/usr/lib/x86_64-linux-gnu/libm.so.6"), directory + "/sub/odd.so",
             directory + "/sub/../odd.so", directory + "/./odd.so", directory + "//odd.so",
             "sub/odd.so", "./odd.so", directory + "/..", directory + "/", directory + "2/odd.so",
             path + std::string("\0x", 2), std::string()})
        CHECK_THAT(refusal({directory, outside}), Contains(expected));
    CHECK_THAT(refusal({"", path}), Contains("backend.module_directory is empty"));
    CHECK(open_module_file({directory, path + "x"}).error().code == Errc::not_found);
    CHECK(open_module_file({directory, directory + "/sub"}).error().code == Errc::invalid_argument);
    for (const char* odd : {"relative", "/a/../b", "/a//b", "/", "/a/"})
        CHECK(open_module_file({odd, "odd.so"}).error().code == Errc::invalid_argument);
}

TEST_CASE("a module that others than its owner could have written is refused") {
    const Staged staged;
    const ModuleFile file = staged.file("odd");
    ::chmod(file.path.c_str(), 0775);
    CHECK(refusal(file) == file.path + " can be written by others than its owner (mode 0775)");
    ::chmod(file.path.c_str(), 0755);
    // A sticky bit does not help the directory itself: others could still add files.
    for (const mode_t mode : {0777U, 01777U, 0770U}) {
        ::chmod(staged.folder().c_str(), mode);
        CHECK_THAT(refusal(file), Catch::StartsWith(staged.folder().string() + " can be written"));
    }
    ::chmod(staged.folder().c_str(), 0755);
    CHECK(open_module_file(file));
    // Nor one of those above.
    const fs::path deeper = staged.folder() / "deeper";
    fs::create_directory(deeper);
    fs::copy_file(file.path, deeper / "odd.so");
    ::chmod(deeper.c_str(), 0755);
    CHECK(open_module_file({deeper, "odd.so"}));
    ::chmod(staged.folder().c_str(), 0777);
    CHECK_THAT(refusal({deeper, "odd.so"}),
               Catch::StartsWith(staged.folder().string() + " can be written"));
    ::chmod(staged.folder().c_str(), 0700);

    if (::geteuid() != 0) return skip("root alone can give files away");
    REQUIRE(::chown(file.path.c_str(), 1234, 0) == 0);
    CHECK(refusal(file) ==
          file.path + " belongs to user 1234, expected root or the daemon's own user");
    REQUIRE(::chown(file.path.c_str(), 0, 0) == 0);
    REQUIRE(::chown(deeper.c_str(), 1234, 0) == 0);
    CHECK_THAT(refusal({deeper, "odd.so"}), Catch::StartsWith(deeper.string() + " belongs to"));
}

TEST_CASE("no part of a module's path may be a symbolic link") {
    const Staged staged;
    const fs::path real = staged.folder() / "real";
    fs::create_directory(real);
    fs::copy_file(staged("odd"), real / "odd.so");
    using Catch::EndsWith;
    fs::create_symlink("odd.so", real / "link.so");
    CHECK_THAT(refusal({real, "link.so"}),
               EndsWith("link.so is a symbolic link, expected the file's real path"));
    fs::create_directory_symlink(real, staged.folder() / "link");
    CHECK_THAT(refusal({staged.folder() / "link", "odd.so"}),
               EndsWith("/link is a symbolic link, expected the file's real path"));
}

TEST_CASE("what is no regular file is refused without waiting for it") {
    const Staged staged;
    const fs::path pipe = staged.folder() / "pipe.so";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(open_module_file({staged.folder(), pipe}).error().code == Errc::invalid_argument);
}

TEST_CASE("a root-owned module on a mount that is nosuid or noexec is refused") {
    ::unsetenv("BALLAST_TEST_CONSTRUCTOR");
    const Staged staged;
    const std::string source = staged("constructor");
    const auto on_mount = [&](unsigned long flags) -> std::optional<std::string> {
        const fs::path mounted = staged.folder() / std::to_string(flags);
        fs::create_directory(mounted);
        if (!mount_on(mounted, flags)) return std::nullopt;
        fs::copy_file(source, mounted / "odd.so");
        const auto image = ModuleImage::open({mounted, "odd.so"}, "mount");
        ::umount2(mounted.c_str(), MNT_DETACH);
        return image ? "loaded" : image.error().context;
    };
    const auto noexec = on_mount(MS_NOEXEC);
    if (!noexec) return skip("mounting needs root");
    CHECK_THAT(*noexec, Catch::EndsWith("odd.so is on a file system mounted noexec"));
    CHECK_THAT(*on_mount(MS_NOSUID), Catch::EndsWith("odd.so is on a file system mounted nosuid"));
    CHECK_THAT(*on_mount(MS_NOSUID | MS_NOEXEC), Catch::Contains("mounted no"));
    CHECK_FALSE(constructor_ran());
    CHECK(*on_mount(MS_NODEV) == "loaded");
    CHECK(constructor_ran());
}

TEST_CASE("a file that takes the name after the check is not what is mapped") {
    const Staged staged;
    const ModuleFile file = staged.file("odd");
    const auto opened = open_module_file(file);
    REQUIRE(opened);
    fs::rename(staged("pinned"), file.path);
    auto image = ModuleImage::map(*opened, file.path, "renamed");
    REQUIRE(image);
    CHECK(std::string(image->module().settings[0].default_value) == "none");
    CHECK(image->close());
}

TEST_CASE("no code of a library that is no module runs before it is refused") {
    ::unsetenv("BALLAST_TEST_CONSTRUCTOR");
    const Staged staged;
    for (const char* name : {"no_symbol", "old_version", "wrong_magic"})
        CHECK_FALSE(ModuleImage::open(staged.file(name), "refused"));
    CHECK_FALSE(constructor_ran());
    CHECK_FALSE(mapped("memfd:ballast-refused"));
    auto image = ModuleImage::open(staged.file("constructor"), "module");
    REQUIRE(image);
    CHECK(constructor_ran());  // the module's own does
}

TEST_CASE("a library of the system is refused though root owns it") {
    // As the administrator might put it there by mistake.
    const Staged staged;
    fs::path library;
    for (const char* path : {"/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6",
                             "/lib64/libm.so.6", "/lib/libm.so.6"})
        if (fs::exists(path)) library = path;
    if (library.empty()) return skip("libm is elsewhere");
    fs::copy_file(fs::canonical(library), staged.folder() / "libm.so");
    ::chmod((staged.folder() / "libm.so").c_str(), 0755);
    const auto image = ModuleImage::open({staged.folder(), "libm.so"}, "libm");
    REQUIRE_FALSE(image);
    CHECK_THAT(
        image.error().context,
        Catch::EndsWith("libm.so: it lacks the symbol ballast_module: not a Ballast module"));
    CHECK_FALSE(mapped("memfd:ballast-libm"));
}
