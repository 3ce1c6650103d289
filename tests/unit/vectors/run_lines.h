// Runs golden vectors, one JSON object a line, through one of the functions of vectors/outputs.h.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"

namespace ballast::vectors {

// The number of vectors in `path`, each of which has been checked: every key of its output, numbers
// by value.
template <class Output>
std::size_t check_lines(const std::string& path, const Output& output) {
    std::ifstream file(path);
    INFO(path);
    REQUIRE(file);
    std::size_t count = 0;
    for (std::string line; std::getline(file, line); ++count) {
        const nlohmann::json vector = nlohmann::json::parse(line);
        INFO(vector.at("id"));
        const Result<nlohmann::json> made =
            output(vector.at("kind").get<std::string>(), vector.at("input"));
        if (!made) FAIL_CHECK(made.error().message());
        if (made && *made != vector.at("output"))
            FAIL_CHECK(nlohmann::json::diff(vector.at("output"), *made).dump(1));
    }
    return count;
}

}  // namespace ballast::vectors
