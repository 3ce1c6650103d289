#include "tests/paths.h"

// The only file that is compiled with an absolute path: all others compile alike in every checkout.
std::string source_dir() {
    return BALLAST_SOURCE_DIR;
}

std::string test_data() {
    return BALLAST_SOURCE_DIR "/tests/data";
}
