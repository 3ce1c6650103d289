#include "config/yaml_document.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <unordered_set>

namespace ballast {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20U;
constexpr std::size_t kMaxNodes = 100'000;
constexpr int kMaxDepth = 32;

class Converter {
  public:
    explicit Converter(std::vector<ConfigProblem>& problems) : problems_(problems) {}

    YamlNode convert(const YAML::Node& from, int depth) {
        YamlNode node;
        node.line = from.Mark().line + 1;
        node.column = from.Mark().column + 1;
        if (++nodes_ > kMaxNodes || depth > kMaxDepth) {
            if (!gave_up_) {
                problems_.push_back(
                    {node.line, node.column,
                     depth > kMaxDepth
                         ? fmt::format("nested deeper than {} levels", kMaxDepth)
                         : fmt::format("more than {} values once aliases are followed",
                                       kMaxNodes)});
            }
            gave_up_ = true;
            return node;
        }
        if (from.IsScalar()) {
            node.kind = YamlNode::Kind::scalar;
            node.text = from.Scalar();
        } else if (from.IsSequence()) {
            node.kind = YamlNode::Kind::sequence;
            for (const auto& item : from) {
                if (gave_up_) break;
                node.items.push_back(convert(item, depth + 1));
            }
        } else if (from.IsMap()) {
            convert_map(from, depth, node);
        }
        return node;
    }

  private:
    void convert_map(const YAML::Node& from, int depth, YamlNode& node) {
        node.kind = YamlNode::Kind::map;
        std::unordered_set<std::string> seen;
        for (const auto& field : from) {
            if (gave_up_) break;
            YamlNode key = convert(field.first, depth + 1);
            if (key.kind != YamlNode::Kind::scalar) {
                problems_.push_back(
                    {key.line, key.column,
                     fmt::format("a key is {}, expected a plain word", describe(key.kind))});
                continue;
            }
            if (!seen.insert(key.text).second) {
                problems_.push_back({key.line, key.column,
                                     fmt::format("'{}' is given twice", printable(key.text))});
                continue;
            }
            YamlNode value = convert(field.second, depth + 1);
            node.fields.emplace_back(std::move(key), std::move(value));
        }
    }

    static std::string printable(std::string text) {
        if (text.size() > 64) text = text.substr(0, 64) + "...";
        return text;
    }

    std::vector<ConfigProblem>& problems_;
    std::size_t nodes_ = 0;
    bool gave_up_ = false;
};

}  // namespace

std::string_view describe(YamlNode::Kind kind) noexcept {
    switch (kind) {
        case YamlNode::Kind::null:
            return "nothing";
        case YamlNode::Kind::scalar:
            return "a value";
        case YamlNode::Kind::sequence:
            return "a list";
        case YamlNode::Kind::map:
            return "a map";
    }
    return "something";
}

YamlNode read_yaml(std::string_view text, std::vector<ConfigProblem>& problems) {
    if (text.size() > kMaxTextBytes) {
        problems.push_back(
            {0, 0, fmt::format("{} bytes, expected at most {}", text.size(), kMaxTextBytes)});
        return {};
    }
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        const auto before = text.substr(0, nul);
        const auto line = 1 + std::count(before.begin(), before.end(), '\n');
        problems.push_back({static_cast<int>(line), 0, "a NUL byte, expected YAML text"});
        return {};
    }
    try {
        const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
        if (documents.empty()) return {};
        if (documents.size() > 1) {
            const YAML::Mark mark = documents[1].Mark();
            problems.push_back(
                {mark.line + 1, mark.column + 1,
                 fmt::format("{} documents in one file, expected one", documents.size())});
        }
        return Converter(problems).convert(documents.front(), 0);
    } catch (const YAML::Exception& error) {
        problems.push_back(
            {error.mark.line + 1, error.mark.column + 1, fmt::format("not YAML: {}", error.msg)});
    } catch (const std::exception& error) {
        problems.push_back({0, 0, fmt::format("not YAML: {}", error.what())});
    }
    return {};
}

}  // namespace ballast
