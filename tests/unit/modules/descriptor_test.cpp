#include "hv_backends/modules/descriptor.h"

#include <catch2/catch.hpp>

#include "hv_backends/modules/image.h"
#include "model/backend_name.h"
#include "staged.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("a file that is no proper module is refused, and says what was found and expected") {
    const Staged staged;
    const auto error = [&](const char* name) {
        const auto opened = ModuleImage::open(staged.file(name), "test");
        REQUIRE_FALSE(opened);
        return opened.error().message();
    };
    using Catch::Contains;
    CHECK_THAT(error("old_version"), Contains("built for version 0") && Contains("expected 1"));
    CHECK_THAT(error("wrong_magic"), Contains("magic number is 0x1, expected 0x4d5453414c4c4142"));
    CHECK_THAT(error("too_small"), Contains("has 8 bytes, expected at least"));
    CHECK_THAT(error("needs_more"), Contains("needs features 0x100"));
    CHECK_THAT(error("no_symbol"), Contains("no_symbol.so: it lacks the symbol ballast_module"));
    CHECK_THAT(error("no_apply"), Contains("lacks the function 'apply'"));
}

TEST_CASE("settings are held to what the module says of them, every problem at once") {
    const Staged staged;
    auto image = ModuleImage::open(staged.file("odd"), "test");
    REQUIRE(image);
    const auto settled = settle_settings(image->module(), {{"level", "7"}});
    REQUIRE(settled);
    CHECK(*settled == SettingValues{{"behaviour", "none"}, {"level", "7"}, {"flag", "false"}});

    const auto refused =
        settle_settings(image->module(), {{"level", "10"}, {"flag", "maybe"}, {"colour", "blue"}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().context ==
          "settings of module 'odd': 'level' is 10, expected 1 to 9; 'flag' is 'maybe', expected "
          "true or false; 'colour' is unknown; known: behaviour, level, flag");
    CHECK_FALSE(settle_settings(image->module(), {{"level", "7x"}}));
    CHECK_FALSE(settle_settings(image->module(), {{"level", ""}}));
}

TEST_CASE("names of backends are plain words") {
    for (const char* good : {"a", "libvirt", "my-backend_2"}) CHECK(is_backend_name(good));
    for (const char* bad : {"", "Libvirt", "2x", "-x", "a b", "a/b", "é"})
        CHECK_FALSE(is_backend_name(bad));
    CHECK(is_backend_name(std::string(31, 'a')));
    CHECK_FALSE(is_backend_name(std::string(32, 'a')));
}
