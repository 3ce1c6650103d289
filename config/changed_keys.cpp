#include "config/changed_keys.h"

#include <unordered_map>
#include <utility>

#include "config/text.h"
#include "config/yaml_document.h"

namespace ballast {
namespace {

// On one line, in YAML's flow style.
std::string value_text(const YamlNode& node) {
    std::string text;
    const auto add = [&text](const std::string& part) {
        text.append(text.empty() ? "" : ", ").append(part);
    };
    switch (node.kind) {
        case YamlNode::Kind::null:
            return "";
        case YamlNode::Kind::scalar:
            return node.text;
        case YamlNode::Kind::sequence:
            for (const YamlNode& item : node.items) add(value_text(item));
            return "[" + text + "]";
        case YamlNode::Kind::map:
            for (const auto& [key, value] : node.fields) add(key.text + ": " + value_text(value));
            return "{" + text + "}";
    }
    return text;
}

using Values = std::vector<std::pair<std::string, std::string>>;

void collect(const YamlNode& node, const std::string& name, Values& into) {
    if (node.kind != YamlNode::Kind::map) {
        if (node.kind != YamlNode::Kind::null) into.emplace_back(name, value_text(node));
        return;
    }
    for (const auto& [key, value] : node.fields)
        collect(value, name.empty() ? key.text : name + "." + key.text, into);
}

Values values_of(std::string_view text) {
    std::vector<ConfigProblem> none;
    Values values;
    collect(read_yaml(text, none), "", values);
    return values;
}

}  // namespace

std::vector<ChangedKey> changed_keys(std::string_view before, std::string_view after) {
    const Values old_values = values_of(before);
    const Values new_values = values_of(after);
    std::unordered_map<std::string, std::string> left(old_values.begin(), old_values.end());
    std::vector<ChangedKey> changed;
    for (const auto& [name, value] : new_values) {
        const auto old = left.extract(name);
        const std::string old_value = old.empty() ? "" : old.mapped();
        if (old_value != value) changed.push_back({name, shown(old_value), shown(value)});
    }
    for (const auto& [name, value] : old_values)
        if (left.contains(name) && !value.empty()) changed.push_back({name, shown(value), ""});
    return changed;
}

}  // namespace ballast
