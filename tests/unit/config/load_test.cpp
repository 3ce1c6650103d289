#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "config/config.h"
#include "tests/unit/config/files.h"

using namespace ballast;

namespace {

std::string text_of(const ConfigResult& result) {
    const auto* const problems = std::get_if<ConfigProblems>(&result);
    return problems == nullptr ? "" : problems->text();
}

}  // namespace

TEST_CASE("a file that is not there is one problem with the system's reason") {
    CHECK(text_of(load_config("/nonexistent/ballast.yaml")) ==
          "/nonexistent/ballast.yaml: cannot be read: No such file or directory\n");
}

TEST_CASE("a folder is not read as a file") {
    CHECK(text_of(load_config("/tmp")) == "/tmp: cannot be read: Is a directory\n");
}

TEST_CASE("a file that never ends is read no further than needed") {
    CHECK(text_of(load_config("/dev/zero")) ==
          "/dev/zero: larger than 32 MiB, expected a configuration\n");
}

TEST_CASE("what a policy says of its texts stands where the text is") {
    const auto refuses = [](const PolicyChoice& choice) -> Result<void> {
        return fail(Errc::invalid_argument, choice.texts.empty() ? "numbers do not go together"
                                                                 : "lend_step: column 3: odd");
    };
    CHECK(text_of(parse_config("policy:\n  name: rules\n  lend_step: 1 +\n", "x.yaml", refuses)) ==
          "x.yaml:3:14: policy.lend_step: column 3: odd\n");
    CHECK(text_of(parse_config("policy: {name: rules, interval_s: 5}", "x.yaml", refuses)) ==
          "x.yaml:1:9: policy.numbers do not go together\n");
    // One problem at a time for one number.
    CHECK(text_of(parse_config("policy: {name: rules, interval_s: no}", "x.yaml", refuses))
              .find("together") == std::string::npos);
}

TEST_CASE("a loaded file's problems carry its path") {
    const std::string path = test::data("broken/mode-misspelt.yaml").string();
    CHECK(text_of(load_config(path)) ==
          path +
              ":1:7: mode is 'simulat', expected one of: live, simulate; did you mean "
              "'simulate'?\n");
}

TEST_CASE("a text of exactly the limit is read") {
    std::string text = "mode: live\n#";
    text.resize(std::size_t{32} << 20U, 'x');
    CHECK(text_of(parse_config(text, "f")).empty());
    text += 'x';
    CHECK_FALSE(text_of(parse_config(text, "f")).empty());
}
