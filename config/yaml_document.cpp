#include "config/yaml_document.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "config/node_builder.h"
#include "config/text.h"

namespace ballast {
namespace {

Place place_of_mark(const YAML::Mark& mark) noexcept {
    return {mark.line + 1, mark.column + 1};
}

// Offset in the file; the parser skips a byte order mark without counting it.
std::size_t offset_of(std::string_view text, const YAML::Mark& mark) noexcept {
    const std::size_t start = text.substr(0, 3) == "\xef\xbb\xbf" ? 3 : 0;
    return std::min(start + static_cast<std::size_t>(std::max(mark.pos, 0)), text.size());
}

// False if the quotation that begins at `offset` (perhaps after an anchor) goes on to the end of
// the file.
bool quote_is_closed(std::string_view text, std::size_t offset) noexcept {
    while (offset < text.size() && text[offset] == '&') {
        offset = std::min(text.find_first_of(" \t\r\n", offset), text.size());
        offset = std::min(text.find_first_not_of(" \t\r\n", offset), text.size());
    }
    if (offset == text.size() || (text[offset] != '"' && text[offset] != '\'')) return true;
    const char quote = text[offset];
    for (std::size_t i = offset + 1; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\') {
            ++i;
        } else if (text[i] == quote) {
            const bool escaped = quote == '\'' && text.substr(i + 1, 1) == "'";
            if (!escaped) return true;
            ++i;
        }
    }
    return false;
}

// Hands the parser's events to a NodeBuilder.
class Relay final : public YAML::EventHandler {
  public:
    Relay(std::string_view text, NodeBuilder& builder) : text_(text), builder_(builder) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ == 1) return;
        const Place place = place_of_mark(mark);
        const bool marked = text_.substr(offset_of(text_, mark), 3) == "---";
        throw ConfigProblem{place.line, place.column,
                            marked ? "a second document begins, expected one in a file"
                                   : "not valid YAML: this belongs to nothing before it"};
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        builder_.null(place_of_mark(mark), anchor);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        builder_.alias(place_of_mark(mark), anchor);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        // The parser takes the end of the file for the end of a quotation.
        if (tag == "!" && !quote_is_closed(text_, offset_of(text_, mark))) {
            const Place place = place_of_mark(mark);
            throw ConfigProblem{place.line, place.column,
                                "not valid YAML: a quotation mark without its partner"};
        }
        builder_.scalar(place_of_mark(mark), tag, anchor, value);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        builder_.begin(YamlNode::Kind::sequence, place_of_mark(mark), tag, anchor);
    }
    void OnSequenceEnd() override { builder_.end(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        builder_.begin(YamlNode::Kind::map, place_of_mark(mark), tag, anchor);
    }
    void OnMapEnd() override { builder_.end(); }

  private:
    std::string_view text_;
    NodeBuilder& builder_;
    int documents_ = 0;
};

// The library's words, in ours.
std::string explain(const std::string& message) {
    using namespace YAML::ErrorMsg;
    struct Meaning {
        const char* library;
        const char* ours;
    };
    static const std::array kMeanings{
        Meaning{END_OF_MAP, "expected 'key: value' at the indentation of the keys above"},
        Meaning{MAP_VALUE,
                "a ':' where no value can begin; expected one 'key: value' per line, indented like "
                "the line above, and quotes around text that holds ': '"},
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
        Meaning{BAD_FILE, "nested too deep"},
    };
    for (const Meaning& meaning : kMeanings) {
        if (message.rfind(meaning.library, 0) == 0) return meaning.ours;
    }
    return shown(message);
}

// True if `line`, from 0, is indented with a tab, which YAML forbids.
bool has_tab_indent(std::string_view text, int line) {
    std::size_t start = 0;
    for (int i = 0; i < line; ++i) {
        const auto end = text.find('\n', start);
        if (end == std::string_view::npos) return false;
        start = end + 1;
    }
    const std::string_view rest = text.substr(start);
    return rest.substr(0, rest.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

ConfigProblem syntax_problem(std::string_view text, const YAML::Exception& error) {
    const Place place = place_of_mark(error.mark);
    const bool tab = has_tab_indent(text, error.mark.line);
    return {place.line, place.column,
            fmt::format("not valid YAML: {}",
                        tab ? "a tab in the indentation, expected spaces" : explain(error.msg))};
}

// True if `text` is text at all.
bool is_text(std::string_view text, std::vector<ConfigProblem>& problems) {
    const auto refuse = [&](std::size_t offset, std::string message) {
        const Place place = place_of(text, offset);
        problems.push_back({place.line, place.column, std::move(message)});
        return false;
    };
    if (text.size() > kMaxConfigBytes) {
        problems.push_back({0, 0, "larger than 32 MiB, expected a configuration"});
        return false;
    }
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
        return refuse(nul, "a NUL byte, expected text in UTF-8");
    }
    if (const auto bad = find_non_utf8(text); bad != std::string_view::npos) {
        return refuse(bad, fmt::format("the byte 0x{:02x} does not belong to UTF-8, expected text "
                                       "in UTF-8",
                                       static_cast<unsigned char>(text[bad])));
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
        std::istringstream in{std::string(text)};
        YAML::Parser parser(in);
        NodeBuilder builder(problems);
        Relay relay(text, builder);
        if (parser.HandleNextDocument(relay)) parser.HandleNextDocument(relay);
        return builder.take();
    } catch (const ConfigProblem& problem) {
        problems.push_back(problem);
    } catch (const YAML::Exception& error) {
        problems.push_back(syntax_problem(text, error));
    } catch (const std::exception& error) {
        problems.push_back({0, 0, fmt::format("not valid YAML: {}", shown(error.what()))});
    }
    return {};
}

}  // namespace ballast
