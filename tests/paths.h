// Where the tests find the repository.
#pragma once

#include <string>

// The repository's root, and tests/data in it; no slash at the end. Functions, so that constants of
// any test file can be made from them.
std::string source_dir();
std::string test_data();
