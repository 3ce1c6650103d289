#include "config/yaml_document.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <unordered_map>

#include "config/text.h"

namespace ballast {
namespace {

constexpr std::size_t kMaxNodes = 100'000;
constexpr int kMaxDepth = 32;

class Converter {
  public:
    explicit Converter(std::vector<ConfigProblem>& problems) : problems_(problems) {}

    // `place` stands in for nodes that the library gives none (values left empty).
    YamlNode convert(const YAML::Node& from, int depth, Place place) {
        YamlNode node;
        const YAML::Mark mark = from.Mark();
        node.line = mark.is_null() ? place.line : mark.line + 1;
        node.column = mark.is_null() ? place.column : mark.column + 1;
        if (!within_limits(node, depth)) return node;
        refuse_tag(from, node);
        if (from.IsScalar()) {
            node.kind = YamlNode::Kind::scalar;
            node.quoted = from.Tag() == "!";
            node.text = from.Scalar();
        } else if (from.IsSequence()) {
            node.kind = YamlNode::Kind::sequence;
            for (const auto& item : from) {
                if (gave_up_) break;
                node.items.push_back(convert(item, depth + 1, {node.line, node.column}));
            }
        } else if (from.IsMap()) {
            convert_map(from, depth, node);
        }
        return node;
    }

  private:
    bool within_limits(const YamlNode& node, int depth) {
        const bool too_deep = depth > kMaxDepth;
        if (++nodes_ <= kMaxNodes && !too_deep) return true;
        if (!gave_up_) {
            add(node,
                too_deep ? fmt::format("nested deeper than {} levels", kMaxDepth)
                         : fmt::format("more than {} values once aliases are followed", kMaxNodes));
        }
        gave_up_ = true;
        return false;
    }

    void refuse_tag(const YAML::Node& from, const YamlNode& node) {
        const std::string& tag = from.Tag();
        if (tag.empty() || tag == "?" || tag == "!") return;
        add(node, fmt::format("the tag '{}' is not understood, expected none", shown(tag)));
    }

    void convert_map(const YAML::Node& from, int depth, YamlNode& node) {
        node.kind = YamlNode::Kind::map;
        std::unordered_map<std::string, int> line_of;
        for (const auto& field : from) {
            if (gave_up_) break;
            YamlNode key = convert(field.first, depth + 1, {node.line, node.column});
            if (key.kind != YamlNode::Kind::scalar) {
                if (!gave_up_) {
                    add(key, fmt::format("a key is {}, expected a plain word", describe(key.kind)));
                }
                continue;
            }
            if (const auto [first, is_new] = line_of.try_emplace(key.text, key.line); !is_new) {
                add(key, fmt::format("'{}' is given twice, first on line {}", shown(key.text),
                                     first->second));
                continue;
            }
            YamlNode value = convert(field.second, depth + 1, {key.line, key.column});
            node.fields.emplace_back(std::move(key), std::move(value));
        }
    }

    void add(const YamlNode& node, std::string message) {
        problems_.push_back({node.line, node.column, std::move(message)});
    }

    std::vector<ConfigProblem>& problems_;
    std::size_t nodes_ = 0;
    bool gave_up_ = false;
};

// The library's words, in ours.
std::string explain(const std::string& message) {
    using namespace YAML::ErrorMsg;
    struct Meaning {
        const char* library;
        const char* ours;
    };
    static constexpr std::array kMeanings{
        Meaning{END_OF_MAP, "expected 'key: value' at the indentation of the keys above"},
        Meaning{MAP_VALUE,
                "a ':' where no value can begin; expected one 'key: value' per line, and "
                "quotes around text that holds ': '"},
        Meaning{MAP_KEY, "a key where none can be; expected one 'key: value' per line"},
        Meaning{BLOCK_ENTRY, "a '-' where no list can begin"},
        Meaning{END_OF_SEQ, "expected '- ' at the indentation of the list above"},
        Meaning{END_OF_MAP_FLOW, "a '{' without its '}', or a ',' missing between its keys"},
        Meaning{END_OF_SEQ_FLOW, "a '[' without its ']', or a ',' missing between its values"},
        Meaning{FLOW_END, "a ']' or '}' that closes nothing"},
        Meaning{EOF_IN_SCALAR, "a quotation mark without its partner"},
        Meaning{DOC_IN_SCALAR, "a quotation mark without its partner"},
        Meaning{UNKNOWN_TOKEN, "a character that YAML keeps for itself; expected quotes around it"},
        Meaning{UNKNOWN_ANCHOR, "an alias '*name' of an anchor '&name' that is not there"},
    };
    for (const Meaning& meaning : kMeanings) {
        if (message.rfind(meaning.library, 0) == 0) return meaning.ours;
    }
    return shown(message);
}

// True if `line`, from 0, is indented with a tab, which YAML forbids.
bool has_tab_indent(std::string_view text, int line) {
    std::size_t start = 0;
    for (int i = 0; i < line && start != std::string_view::npos; ++i) {
        const auto end = text.find('\n', start);
        start = end == std::string_view::npos ? end : end + 1;
    }
    if (start == std::string_view::npos) return false;
    const std::string_view rest = text.substr(start);
    return rest.substr(0, rest.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

ConfigProblem syntax_problem(std::string_view text, const YAML::Exception& error) {
    const bool tab = has_tab_indent(text, error.mark.line);
    return {error.mark.line + 1, error.mark.column + 1,
            fmt::format("not valid YAML: {}",
                        tab ? "a tab in the indentation, expected spaces" : explain(error.msg))};
}

// True if `text` is text at all.
bool is_text(std::string_view text, std::vector<ConfigProblem>& problems) {
    if (text.size() > kMaxConfigBytes) {
        problems.push_back({0, 0, "larger than 1 MiB, expected a configuration"});
        return false;
    }
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        const Place place = place_of(text, nul);
        problems.push_back({place.line, place.column, "a NUL byte, expected text in UTF-8"});
        return false;
    }
    if (const auto bad = find_non_utf8(text); bad != std::string_view::npos) {
        const Place place = place_of(text, bad);
        problems.push_back({place.line, place.column,
                            fmt::format("the byte 0x{:02x} does not belong to UTF-8, expected text "
                                        "in UTF-8",
                                        static_cast<unsigned char>(text[bad]))});
        return false;
    }
    return true;
}

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
    if (!is_text(text, problems)) return {};
    try {
        const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
        if (documents.empty()) return {};
        if (documents.size() > 1) {
            const YAML::Mark mark = documents[1].Mark();
            problems.push_back(
                {mark.line + 1, mark.column + 1,
                 fmt::format("{} documents in one file, expected one", documents.size())});
        }
        return Converter(problems).convert(documents.front(), 0, {});
    } catch (const YAML::Exception& error) {
        problems.push_back(syntax_problem(text, error));
    } catch (const std::exception& error) {
        problems.push_back({0, 0, fmt::format("not valid YAML: {}", shown(error.what()))});
    }
    return {};
}

}  // namespace ballast
