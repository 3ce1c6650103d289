// YAML as plain nodes with their places; the only door to the YAML library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace ballast {

struct YamlField;

struct YamlNode {
    enum class Kind { null, scalar, sequence, map };
    Kind kind = Kind::null;
    bool quoted = false;  // a scalar in quotes: text, whatever it looks like
    int line = 0;         // from 1
    int column = 0;
    std::string text;               // scalar
    std::vector<YamlNode> items;    // sequence
    std::vector<YamlField> fields;  // map, in the file's order
};

struct YamlField {
    YamlNode key;
    YamlNode value;
};

// "a map", "a list", "a value", "nothing".
std::string_view describe(YamlNode::Kind kind) noexcept;

inline constexpr std::size_t kMaxConfigBytes = std::size_t{32} << 20U;

// Reads one document. Refused, each with its place: bad syntax, more than kMaxConfigBytes, NUL
// bytes, what is not UTF-8, several documents, more than 1 000 000 nodes once aliases are followed,
// nesting deeper than 32, tags, keys that are not plain words, keys given twice. After the last
// three the rest is still usable; otherwise the answer is null. Throws nothing but bad_alloc.
YamlNode read_yaml(std::string_view text, std::vector<ConfigProblem>& problems);

}  // namespace ballast
