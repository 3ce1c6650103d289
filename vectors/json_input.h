// Reads an input that may be anything, and keeps the first thing that is wrong with it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ballast::vectors {

// Part of an input, with its place in it. Reading goes on after a problem, with 0 or nothing.
class JsonInput {
  public:
    // `problem` is set where something is wrong, and outlives this and its parts.
    JsonInput(const nlohmann::json& value, std::string place, std::optional<Error>& problem)
        : value_(&value), place_(std::move(place)), problem_(&problem) {}

    // Present, and not null.
    bool has(const char* name) const;
    JsonInput operator[](const char* name) const;
    // Of an array.
    std::vector<JsonInput> items() const;
    // Of an object, in the order of their names.
    std::vector<std::pair<std::string, JsonInput>> members() const;

    // From -2^53 to 2^53.
    std::int64_t whole() const;
    double number() const;
    bool flag() const;
    std::string text() const;
    // Records a problem: what was expected here.
    void complain(std::string_view expected) const;

  private:
    const nlohmann::json* value_;
    std::string place_;
    std::optional<Error>* problem_;
};

}  // namespace ballast::vectors
