#include "config/node_builder.h"

#include <fmt/format.h>

#include <utility>

namespace ballast {
namespace {

constexpr std::size_t kMaxNodes = 1'000'000;
constexpr std::size_t kMaxDepth = 32;

ConfigProblem problem_at(const YamlNode& node, std::string message) {
    return {node.line, node.column, std::move(message)};
}

}  // namespace

YamlNode NodeBuilder::make(YamlNode::Kind kind, Place place, const std::string& tag) {
    YamlNode node;
    node.kind = kind;
    node.line = place.line;
    node.column = place.column;
    if (!tag.empty() && tag != "?" && tag != "!") {
        problems_.push_back(problem_at(
            node, fmt::format("the tag '{}' is not understood, expected none", shown(tag))));
    }
    return node;
}

void NodeBuilder::null(Place place, Anchor anchor) {
    YamlNode node = make(YamlNode::Kind::null, place, "");
    // A value left out: the parser is at whatever comes next.
    if (!open_.empty() && open_.back().has_key && open_.back().key.line != node.line) {
        node.line = open_.back().key.line;
        node.column = open_.back().key.column;
    }
    count(node, open_.size());
    finish(std::move(node), anchor);
}

void NodeBuilder::alias(Place place, Anchor anchor) {
    const auto found = anchored_.find(anchor);
    if (found == anchored_.end() || !found->second.complete) {
        throw ConfigProblem{place.line, place.column, "an alias inside of what it stands for"};
    }
    YamlNode node = found->second.node;
    node.line = place.line;
    node.column = place.column;
    count(node, open_.size());
    finish(std::move(node), 0);
}

void NodeBuilder::scalar(Place place, const std::string& tag, Anchor anchor,
                         const std::string& value) {
    YamlNode node = make(YamlNode::Kind::scalar, place, tag);
    node.quoted = tag == "!";
    node.text = value;
    count(node, open_.size());
    finish(std::move(node), anchor);
}

void NodeBuilder::begin(YamlNode::Kind kind, Place place, const std::string& tag, Anchor anchor) {
    if (anchor != 0) anchored_[anchor] = {};
    Open open;
    open.node = make(kind, place, tag);
    open.anchor = anchor;
    count(open.node, open_.size());
    open_.push_back(std::move(open));
}

void NodeBuilder::end() {
    Open done = std::move(open_.back());
    open_.pop_back();
    finish(std::move(done.node), done.anchor);
}

void NodeBuilder::count(const YamlNode& node, std::size_t depth) {
    if (++nodes_ > kMaxNodes) {
        throw problem_at(node,
                         fmt::format("more than {} values once aliases are followed", kMaxNodes));
    }
    if (depth > kMaxDepth) {
        throw problem_at(node, fmt::format("nested deeper than {} levels", kMaxDepth));
    }
    for (const YamlNode& item : node.items) count(item, depth + 1);
    for (const auto& [key, value] : node.fields) {
        count(key, depth + 1);
        count(value, depth + 1);
    }
}

void NodeBuilder::finish(YamlNode node, Anchor anchor) {
    if (anchor != 0) anchored_[anchor] = {node, true};
    if (open_.empty()) {
        root_ = std::move(node);
    } else if (Open& parent = open_.back(); parent.node.kind == YamlNode::Kind::map) {
        add_to_map(parent, std::move(node));
    } else {
        parent.node.items.push_back(std::move(node));
    }
}

void NodeBuilder::add_to_map(Open& map, YamlNode node) {
    if (!map.has_key) {
        map.key = std::move(node);
        map.has_key = true;
        return;
    }
    map.has_key = false;
    const YamlNode& key = map.key;
    if (key.kind != YamlNode::Kind::scalar) {
        problems_.push_back(
            problem_at(key, fmt::format("a key is {}, expected a plain word", describe(key.kind))));
        return;
    }
    const auto [first, is_new] = map.line_of_key.try_emplace(key.text, key.line);
    if (!is_new) {
        problems_.push_back(problem_at(key, fmt::format("'{}' is given twice, first on line {}",
                                                        shown(key.text), first->second)));
        return;
    }
    map.node.fields.push_back({std::move(map.key), std::move(node)});
}

}  // namespace ballast
