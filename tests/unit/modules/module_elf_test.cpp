#include "hv_backends/modules/module_elf.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <vector>

#include "staged.h"

using namespace ballast;
using namespace ballast::test;

namespace {

std::vector<char> contents_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

Result<void> check(const std::vector<char>& contents) {
    return check_module_elf(std::as_bytes(std::span(contents)));
}

}  // namespace

TEST_CASE("a module is known by its file alone") {
    const Staged staged;
    CHECK(check(contents_of(staged("odd"))));
    CHECK(check(contents_of(staged("no_symbol"))).error().context ==
          "it lacks the symbol ballast_module: not a Ballast module");
    CHECK(check(contents_of(staged("old_version"))).error().code == Errc::unsupported);
    CHECK(check(contents_of(staged("wrong_magic"))).error().code == Errc::bad_data);
    CHECK(check({}).error().context == "it is not a shared object of this machine");
}

TEST_CASE("a file that was cut off or damaged is never read beyond its end") {
    const Staged staged;
    const std::vector<char> whole = contents_of(staged("odd"));
    REQUIRE(check(whole));
    std::size_t refused = 0;
    for (std::size_t size = 0; size < whole.size(); size += 61)
        refused +=
            check({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}) ? 0 : 1;
    CHECK(refused == (whole.size() + 60) / 61);  // the section headers stand at the end
    std::uint32_t random = 1;
    for (int round = 0; round < 20000; ++round) {
        std::vector<char> damaged = whole;
        for (int i = 0; i < 4; ++i) {
            random = random * 1664525U + 1013904223U;
            // Headers and tables more often than code.
            const std::size_t span = (round & 1) != 0 ? 64 : damaged.size();
            const std::size_t at = (random >> 8U) % span;
            const bool from_end = (round & 2) != 0;
            damaged[from_end ? damaged.size() - 1 - at : at] = static_cast<char>(random >> 24U);
        }
        static_cast<void>(check(damaged));
    }
}
