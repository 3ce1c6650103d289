#include "config/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/unit/config/files.h"
#include "tests/unit/http/temp_dir.h"

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

TEST_CASE("what is no regular file is refused, and a pipe that nobody writes is not waited for") {
    CHECK(text_of(load_config("/tmp")) == "/tmp: is a directory, expected a regular file\n");
    CHECK(text_of(load_config("/dev/zero")) == "/dev/zero: is a device, expected a regular file\n");
    const test::TempDir folder;
    const std::string pipe = folder.path("ballast.yaml");
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(text_of(load_config(pipe)) == pipe + ": is a pipe, expected a regular file\n");
}

TEST_CASE("a file that is too long is read no further than needed") {
    const test::TempDir folder;
    const std::string path = folder.path("ballast.yaml");
    std::ofstream(path) << "mode: live";
    std::filesystem::resize_file(path, std::uintmax_t{1} << 40U);  // all holes
    CHECK(text_of(load_config(path)) == path + ": larger than 32 MiB, expected a configuration\n");
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
