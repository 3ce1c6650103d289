// Builds plain nodes from what a YAML parser meets, one piece after the other, within limits.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/text.h"
#include "config/yaml_document.h"

namespace ballast {

// One document. Every method may throw ConfigProblem for what makes the whole document unusable
// (more than 1 000 000 nodes, nesting deeper than 32, an alias that holds itself); lesser problems
// are noted and building goes on.
class NodeBuilder {
  public:
    using Anchor = std::size_t;  // 0 = none

    explicit NodeBuilder(std::vector<ConfigProblem>& problems) : problems_(problems) {}

    void null(Place place, Anchor anchor);
    void alias(Place place, Anchor anchor);
    // `tag` as in the file; "?" for plain, "!" for quoted.
    void scalar(Place place, const std::string& tag, Anchor anchor, const std::string& value);
    void begin(YamlNode::Kind kind, Place place, const std::string& tag, Anchor anchor);
    void end();

    // The document's root, once all is ended.
    YamlNode take() { return std::move(root_); }

  private:
    // A list or map that is not complete yet.
    struct Open {
        YamlNode node;
        Anchor anchor = 0;
        bool has_key = false;  // of a map: the next node is the value of `key`
        YamlNode key;
        std::unordered_map<std::string, int> line_of_key;
    };
    struct Anchored {
        YamlNode node;
        bool complete = false;
    };

    YamlNode make(YamlNode::Kind kind, Place place, const std::string& tag);
    // `node` is complete: it goes to where it belongs.
    void finish(YamlNode node, Anchor anchor);
    void add_to_map(Open& map, YamlNode node);
    void count(const YamlNode& node, std::size_t depth);

    std::vector<ConfigProblem>& problems_;
    std::vector<Open> open_;
    std::unordered_map<Anchor, Anchored> anchored_;
    std::size_t nodes_ = 0;
    YamlNode root_;
};

}  // namespace ballast
