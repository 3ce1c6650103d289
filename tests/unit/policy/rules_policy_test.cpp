#include "policy/rules_policy.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "expression/rules_expression.h"
#include "small_host.h"
#include "tests/paths.h"

using namespace ballast;

namespace {

PolicyChoice with(std::vector<std::pair<std::string, std::string>> texts) {
    PolicyChoice choice = default_choice(PolicyKind::rules);
    choice.texts = std::move(texts);
    return choice;
}

std::string problem(std::vector<std::pair<std::string, std::string>> texts) {
    const auto made = make_policy(with(std::move(texts)));
    return made ? "none" : made.error().message();
}

void run(SmallHost& host, Policy& policy, int seconds) {
    for (int i = 0; i < seconds; ++i) host.tick(policy);
}

// The lines of fenced blocks of that language in a page of the documentation.
std::vector<std::string> lines_of_blocks(const std::string& page, const std::string& language) {
    std::ifstream file(source_dir() + page);
    std::vector<std::string> lines;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("```"))
            inside = !inside && line == "```" + language;
        else if (inside && !line.empty())
            lines.push_back(line);
    }
    return lines;
}

// What docs/rules.md says of the guest in its examples.
class Documented final : public rules::Samples {
  public:
    double figure(std::size_t name, std::uint32_t back) const override {
        const std::string_view figure = rules_figures()[name];
        if (figure == "host.total") return 64.0 * static_cast<double>(kGiB);
        if (figure == "kept") return 4.0 * static_cast<double>(kGiB);
        if (figure == "major_faults") return 1000 - 40.0 * back;
        if (figure == "interval_s") return 10;
        return std::nan("");
    }
};

}  // namespace

TEST_CASE("policy rules lends while its condition holds, and no more than leaves min_mem") {
    SmallHost host(64 * kGiB, {{}});
    const auto policy = *make_policy(
        with({{"lend_when", "total > 0"}, {"give_back_when", "0 > 1"}, {"lend_step", "1GiB"}}));
    host.tick(*policy);
    CHECK(host.requests[0] == static_cast<std::int64_t>(kGiB));
    run(host, *policy, 200);
    CHECK(host.kept(0) == 512 * kMiB);
}

TEST_CASE("policy rules gives back rather than lends where both conditions hold") {
    SmallHost host(64 * kGiB, {{}});
    host.seen.domains.loaned_bytes[0] = kGiB;
    const auto policy = *make_policy(
        with({{"lend_when", "1 > 0"}, {"give_back_when", "1 > 0"}, {"give_back_step", "64MiB"}}));
    host.tick(*policy);
    CHECK(host.requests[0] == -64 * static_cast<std::int64_t>(kMiB));
}

TEST_CASE("policy rules moves nothing where neither condition holds, or nobody knows") {
    SmallHost host(64 * kGiB, {{}});
    host.seen.domains.usable_bytes[0] = kUnknownBytes;
    for (const std::string rule : {"usable > 1", "1 > 2", "total / 0 > 1", "delta(usable) > 0"}) {
        const auto policy = *make_policy(with({{"lend_when", rule}, {"give_back_when", "1 > 2"}}));
        host.seen.domains.usable_bytes[0] = kUnknownBytes;
        host.tick(*policy);
        CHECK(host.requests[0] == 0);
    }
}

TEST_CASE("policy rules takes a step that is unknown or negative for none") {
    SmallHost host(64 * kGiB, {{}});
    for (const std::string step : {"unused[1]", "0 - 5GiB", "1 / 0"}) {
        const auto policy = *make_policy(
            with({{"lend_when", "1 > 0"}, {"give_back_when", "0 > 1"}, {"lend_step", step}}));
        host.tick(*policy);
        CHECK(host.requests[0] == 0);
    }
}

TEST_CASE("policy rules looks back over its own samples, and waits until they are there") {
    SmallHost host(64 * kGiB, {{.faults_below_bytes = 8 * kGiB}});  // 100 faults a second
    const auto policy = *make_policy(with({{"lend_when", "delta(major_faults) / interval_s > 99"},
                                           {"give_back_when", "avg(interval_s, 3) > 99"}}));
    for (int i = 0; i < 10; ++i) {
        host.tick(*policy);
        CHECK(host.requests[0] == 0);
    }
    host.tick(*policy);
    CHECK(host.requests[0] > 0);
}

TEST_CASE("policy rules remembers a domain whose row moves") {
    SmallHost host(64 * kGiB, {{}, {}});
    PolicyChoice choice =
        with({{"lend_when", "delta(total) < 0 - 1GiB"}, {"give_back_when", "0 > 1"}});
    const auto policy = *make_policy(choice);
    host.seen.domains.total_bytes = {8 * kGiB, 4 * kGiB};
    host.tick(*policy);
    host.seen.domains.total_bytes = {4 * kGiB, 4 * kGiB};
    std::swap(host.seen.domains.key[0], host.seen.domains.key[1]);
    ++host.seen.domains.membership;
    host.seen.at += std::chrono::seconds(10);
    host.tick(*policy);
    CHECK(host.requests[0] == 0);
    CHECK(host.requests[1] > 0);
}

TEST_CASE("policy rules, as it comes, relieves a host and then rests") {
    SmallHost host(16 * kGiB, {{}, {}, {}, {.total_bytes = 2 * kGiB, .used_bytes = 1600 * kMiB}});
    const auto policy = *make_policy(default_choice(PolicyKind::rules));
    CHECK(host.seen.host.available_bytes < 16 * kGiB / 5);
    run(host, *policy, 600);
    CHECK(host.seen.host.available_bytes >= 16 * kGiB / 5);
    // The one that has little to spare lends nothing.
    CHECK(host.kept(3) == 2 * kGiB);
    for (std::size_t row = 0; row < 4; ++row) CHECK(turns(host, *policy, row, 600) == 0);
    CHECK(host.requests == std::vector<std::int64_t>{0, 0, 0, 0});
}

TEST_CASE("policy rules, as it comes, gives a guest back what it needs") {
    SmallHost host(5 * kGiB, {{.used_bytes = 3 * kGiB}});
    host.seen.domains.loaned_bytes[0] = kGiB;
    host.seen.domains.usable_bytes[0] = 0;
    const auto policy = *make_policy(default_choice(PolicyKind::rules));
    run(host, *policy, 100);
    CHECK(host.seen.domains.usable_bytes[0] * 100 >= host.kept(0) * 15);
}

TEST_CASE("a rule that does not parse is refused, with its name and column") {
    CHECK(problem({{"lend_when", "usable >"}}) ==
          "lend_when: column 9: expected a number, a name, '(', '-' or '!'");
    CHECK(problem({{"give_back_step", "10% * totl"}})
              .starts_with("give_back_step: column 7: there is no figure 'totl', expected one of "
                           "host.total, "));
    CHECK(problem({{"lend_step", "usable > 1"}}) ==
          "lend_step: column 1: expected a number, this is a condition");
    CHECK(problem({{"give_back_when", "usable"}}) ==
          "give_back_when: column 1: expected a condition, this is a number");
}

TEST_CASE("the rules in docs/rules.md are rules") {
    const std::vector<std::string> lines = lines_of_blocks("/docs/rules.md", "yaml");
    std::size_t rules = 0;
    for (const std::string& line : lines) {
        const std::size_t colon = line.find(": \"");
        if (colon == std::string::npos) continue;
        const std::size_t begin = line.find_first_not_of(' ');
        const std::string name = line.substr(begin, colon - begin);
        const std::string text = line.substr(colon + 3, line.rfind('"') - colon - 3);
        INFO(line);
        CHECK(problem({{name, text}}) == "none");
        ++rules;
    }
    CHECK(rules >= 8);
}

TEST_CASE("the values in docs/rules.md are right") {
    std::size_t values = 0;
    for (const std::string& line : lines_of_blocks("/docs/rules.md", "text")) {
        const std::size_t arrow = line.find(" -> ");
        REQUIRE(arrow != std::string::npos);
        const std::string text = line.substr(0, arrow);
        const std::string expected = line.substr(arrow + 4);
        INFO(line);
        std::string found;
        if (const auto number = rules::parse(text, rules::Kind::number, rules_figures())) {
            std::ostringstream written;
            written << number->number(Documented());
            found = std::isnan(number->number(Documented())) ? "unknown" : written.str();
        } else if (const auto truth = rules::parse(text, rules::Kind::condition, rules_figures())) {
            const rules::Answer answer = truth->condition(Documented());
            found = answer == rules::Answer::yes  ? "yes"
                    : answer == rules::Answer::no ? "no"
                                                  : "unknown";
        } else {
            found = truth.error().message();
        }
        CHECK(found == expected);
        ++values;
    }
    CHECK(values >= 10);
}

TEST_CASE("every figure of rules is in docs/rules.md") {
    std::ifstream file(source_dir() + "/docs/rules.md");
    std::stringstream page;
    page << file.rdbuf();
    for (const std::string_view figure : rules_figures())
        CHECK_THAT(page.str(), Catch::Contains("`" + std::string(figure) + "`"));
}
