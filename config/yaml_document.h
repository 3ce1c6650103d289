// YAML as plain nodes with their places; the only door to the YAML library.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"

namespace ballast {

struct YamlNode {
    enum class Kind { null, scalar, sequence, map };
    Kind kind = Kind::null;
    int line = 0;  // from 1
    int column = 0;
    std::string text;                                   // scalar
    std::vector<YamlNode> items;                        // sequence
    std::vector<std::pair<YamlNode, YamlNode>> fields;  // map, in the file's order
};

// "a map", "a list", "a value", "nothing".
std::string_view describe(YamlNode::Kind kind) noexcept;

// Reads one document. Refused, each with its place: bad syntax, more than 1 MiB, NUL bytes, several
// documents, more than 100 000 nodes once aliases are followed, nesting deeper than 32, keys that
// are not plain words, keys given twice. On a problem the rest is still usable where that makes
// sense.
YamlNode read_yaml(std::string_view text, std::vector<ConfigProblem>& problems);

}  // namespace ballast
