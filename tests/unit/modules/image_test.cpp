#include "hv_backends/modules/image.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "staged.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("closing a module really unmaps its code") {
    const Staged staged;
    auto image = ModuleImage::open(staged.file("odd"), "unmapped");
    REQUIRE(image);
    CHECK(mapped("memfd:ballast-unmapped"));
    CHECK(image->close());
    CHECK_FALSE(mapped("memfd:ballast-unmapped"));
}

TEST_CASE("another version at the same path is mapped beside the one that runs") {
    const Staged staged;
    const std::string path = staged("odd");
    auto first = ModuleImage::open({staged.folder(), path}, "first");
    auto second = ModuleImage::open({staged.folder(), path}, "second");
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
        auto image = ModuleImage::open(staged.file("odd"), "abandoned");
        REQUIRE(image);
        image->abandon();
    }
    CHECK(mapped("memfd:ballast-abandoned"));
}

TEST_CASE("code that stays mapped is told, and is never taken for the next file's") {
    const Staged staged;
    auto pinned = ModuleImage::open(staged.file("pinned"), "pinned");
    REQUIRE(pinned);
    REQUIRE(std::string(pinned->module().settings[0].default_value) == "pinned");
    CHECK_FALSE(pinned->close());
    CHECK(mapped("memfd:ballast-pinned"));

    auto next = ModuleImage::open(staged.file("odd"), "next");
    REQUIRE(next);
    CHECK(std::string(next->module().settings[0].default_value) == "none");
    CHECK(next->close());
}

TEST_CASE("what is no shared object is refused, with its own name") {
    const Staged staged;
    const std::string path = staged.folder() / "text.so";
    std::ofstream(path) << "not a shared object";
    const auto opened = ModuleImage::open({staged.folder(), path}, "text");
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Errc::bad_data);
    CHECK_THAT(opened.error().message(), Catch::StartsWith(path));
}
