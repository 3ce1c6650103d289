#include "tests/skip.h"

#include <catch2/catch.hpp>
#include <iostream>

namespace ballast {

void skip(std::string_view why) {
    // A line of its own, whatever was printed before.
    std::cout << "\nSKIPPED: " << Catch::getResultCapture().getCurrentTestName() << ": " << why
              << std::endl;
}

}  // namespace ballast
