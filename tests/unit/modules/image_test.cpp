#include "hv_backends/modules/image.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "hv_backends/modules/trusted_file.h"
#include "staged.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("closing a module really unmaps its code") {
    const Staged staged;
    auto image = ModuleImage::open(staged("odd"), "unmapped");
    REQUIRE(image);
    CHECK(mapped("memfd:ballast-unmapped"));
    CHECK(image->close());
    CHECK_FALSE(mapped("memfd:ballast-unmapped"));
}

TEST_CASE("another version at the same path is mapped beside the one that runs") {
    const Staged staged;
    const std::string path = staged("odd");
    auto first = ModuleImage::open(path, "first");
    auto second = ModuleImage::open(path, "second");
    REQUIRE(first);
    REQUIRE(second);
    CHECK(&first->module() != &second->module());
    std::ofstream(path, std::ios::trunc) << "overwritten in place";
    CHECK(std::string(first->module().name) == "odd");  // a copy: nothing pulls it away
    CHECK(first->close());
    CHECK(mapped("memfd:ballast-second"));
}

TEST_CASE("a module that is abandoned stays mapped") {
    const Staged staged;
    {
        auto image = ModuleImage::open(staged("odd"), "abandoned");
        REQUIRE(image);
        image->abandon();
    }
    CHECK(mapped("memfd:ballast-abandoned"));
}

TEST_CASE("code that stays mapped is told, and is never taken for the next file's") {
    const Staged staged;
    auto pinned = ModuleImage::open(staged("pinned"), "pinned");
    REQUIRE(pinned);
    REQUIRE(std::string(pinned->module().settings[0].default_value) == "pinned");
    CHECK_FALSE(pinned->close());
    CHECK(mapped("memfd:ballast-pinned"));

    auto next = ModuleImage::open(staged("odd"), "next");
    REQUIRE(next);
    CHECK(std::string(next->module().settings[0].default_value) == "none");
    CHECK(next->close());
}

TEST_CASE("what is no shared object is refused, with its own name") {
    const Staged staged;
    const std::string path = staged.folder() / "text.so";
    std::ofstream(path) << "not a shared object";
    const auto opened = ModuleImage::open(path, "text");
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::bad_data);
    CHECK_THAT(opened.error().message(), Catch::StartsWith(path));
}

TEST_CASE("only files that nobody else could have written are opened") {
    const Staged staged;
    const std::string path = staged("odd");
    CHECK(open_trusted_file(path));
    CHECK(open_trusted_file("odd.so").error().code == Errc::invalid_argument);
    CHECK(open_trusted_file(path + "x").error().code == Errc::not_found);
    CHECK(open_trusted_file(staged.folder()).error().code == Errc::invalid_argument);

    ::chmod(path.c_str(), 0775);
    const auto shared = open_trusted_file(path);
    REQUIRE_FALSE(shared);
    CHECK(shared.error().code == Errc::permission);
    CHECK(shared.error().context == path + " can be written by others than its owner (mode 0775)");
    ::chmod(path.c_str(), 0755);
    ::chmod(staged.folder().c_str(), 0777);
    CHECK_THAT(open_trusted_file(path).error().context,
               Catch::StartsWith(staged.folder().string() + " can be written"));
    ::chmod(staged.folder().c_str(), 0700);

    // A link does not help: what counts is where the file is.
    std::filesystem::create_directory(staged.folder() / "open");
    std::filesystem::copy_file(path, staged.folder() / "open" / "odd.so");
    ::chmod((staged.folder() / "open").c_str(), 0777);
    std::filesystem::create_symlink(staged.folder() / "open" / "odd.so",
                                    staged.folder() / "link.so");
    CHECK(open_trusted_file(staged.folder() / "link.so").error().code == Errc::permission);
}
