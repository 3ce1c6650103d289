// Whatever is done to a valid file, reading it answers settings or problems, and never more.
#include <catch2/catch.hpp>
#include <random>

#include "config/config.h"
#include "tests/unit/config/files.h"

using namespace ballast;

namespace {

// True if the answer is complete: settings, or problems that can be shown.
bool is_answered(const std::string& text) {
    const auto result = parse_config(text, "mutated.yaml");
    const auto* const problems = std::get_if<ConfigProblems>(&result);
    if (problems == nullptr) return true;
    return !problems->items.empty() && !problems->text().empty();
}

std::vector<std::string> valid_texts() {
    std::vector<std::string> texts;
    for (const auto& path : test::files_in(test::data("valid"), ".yaml")) {
        texts.push_back(test::read_file(path));
    }
    return texts;
}

}  // namespace

TEST_CASE("a file cut off anywhere is answered") {
    for (const std::string& text : valid_texts()) {
        REQUIRE(text.size() > 5);
        for (std::size_t length = 0; length < text.size(); length += 3) {
            CAPTURE(length);
            CHECK(is_answered(text.substr(0, length)));
        }
    }
}

TEST_CASE("a file with bytes changed is answered") {
    std::mt19937_64 random(20240611);
    const std::string interesting = "{}[]:,-?&*#|>%@`\"'!\t\n \\0123456789~\x80\xff";
    for (const std::string& text : valid_texts()) {
        for (int round = 0; round < 400; ++round) {
            std::string mutated = text;
            for (std::uint64_t change = random() % 4 + 1; change > 0; --change) {
                const std::size_t at = random() % mutated.size();
                const char byte = random() % 4 == 0 ? static_cast<char>(random() & 0xffU)
                                                    : interesting[random() % interesting.size()];
                switch (random() % 3) {
                    case 0:
                        mutated[at] = byte;
                        break;
                    case 1:
                        mutated.insert(at, 1, byte);
                        break;
                    default:
                        mutated.erase(at, random() % 8 + 1);
                        if (mutated.empty()) mutated = "x";
                        break;
                }
            }
            CAPTURE(round, mutated);
            CHECK(is_answered(mutated));
        }
    }
}

TEST_CASE("lines in another order are answered") {
    std::mt19937_64 random(7);
    for (const std::string& text : valid_texts()) {
        std::vector<std::string> lines;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = std::min(text.find('\n', at), text.size() - 1);
            lines.push_back(text.substr(at, end + 1 - at));
            at = end + 1;
        }
        for (int round = 0; round < 50; ++round) {
            std::shuffle(lines.begin(), lines.end(), random);
            std::string mixed;
            for (const std::string& line : lines) mixed += line;
            CAPTURE(mixed);
            CHECK(is_answered(mixed));
        }
    }
}

TEST_CASE("hostile nesting is answered") {
    const auto opening = GENERATE(as<std::string>{}, "[", "{", "{a: ", "- ", "? ", "[[]", "&a [",
                                  "!!x ", "'", "\"", "|\n ", "* ", "a: &a *a\n");
    std::string text;
    while (text.size() < 60'000) text += opening;
    CAPTURE(opening);
    CHECK(is_answered(text));
}

TEST_CASE("what no document can begin with ends the reading") {
    for (const std::string text :
         {",mode: live", "}mode: live", "mode: live\n}", ": :", "%", "---"}) {
        CAPTURE(text);
        CHECK(std::holds_alternative<ConfigProblems>(parse_config(text, "f")));
    }
}

TEST_CASE("a quotation mark without its partner is found in every style") {
    const auto text = GENERATE(as<std::string>{}, "mode: \"live", "mode: 'live", "mode: \"live\\\"",
                               "mode: 'live''", "mode: &a \"live\n", "\xef\xbb\xbfmode: \"live",
                               "mode: live\r\nlisten: {api_group: \"x}\r\n");
    CAPTURE(text);
    CHECK(std::holds_alternative<ConfigProblems>(parse_config(text, "f")));
}

TEST_CASE("files with a byte order mark or CRLF line ends are read") {
    const auto text = GENERATE(as<std::string>{}, "\xef\xbb\xbfmode: \"live\"\n",
                               "mode: 'live'\r\ncmm: {delay: 2}\r\n");
    CAPTURE(text);
    CHECK(std::holds_alternative<Settings>(parse_config(text, "f")));
}
