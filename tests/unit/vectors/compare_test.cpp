#include "vectors/compare.h"

#include <catch2/catch.hpp>

#include "samples.h"

using namespace ballast;
using namespace ballast::vectors;
using test::sample;
using Json = nlohmann::json;

namespace {

struct Sample {
    const char* policy;
    const char* file;
    std::uint64_t vectors;
};

const Sample samples[] = {
    {"mom", "mom.jsonl", 70},
    {"proxmox", "proxmox.jsonl", 160},
    {"pve", "proxmox_own_tests.jsonl", 19},
    {"qubes", "qmemman.jsonl", 159},
};

// A vector that mom answers: grow by 5 %.
constexpr const char* good =
    R"({"id":"m1","kind":"any","input":{"host":{"mem_free":[500],"mem_available":1000},"guests":)"
    R"([{"balloon_cur":[1000],"balloon_max":2000,"balloon_min":0,"mem_unused":[900]}]},)"
    R"("output":{"ok":true,"target":[1050.0],"applied_kib":[1050]}})";

std::string with(const std::string& from, const std::string& to) {
    std::string line = good;
    const std::size_t at = line.find(from);
    REQUIRE(at != std::string::npos);
    return line.replace(at, from.size(), to);
}

// Raises the first number below `value` by one.
bool raise_a_number(Json& value) {
    if (value.is_number()) {
        value = value.is_number_integer() ? Json(value.get<std::int64_t>() + 1)
                                          : Json(value.get<double>() + 1);
        return true;
    }
    if (value.is_structured())
        for (Json& part : value)
            if (raise_a_number(part)) return true;
    return false;
}

}  // namespace

TEST_CASE("the policies agree with the golden vectors of their originals") {
    for (const Sample& each : samples) {
        INFO(each.file);
        const auto comparison = compare(each.policy, sample(each.file), each.file);
        REQUIRE(comparison);
        if (comparison->first) {
            const Difference& first = *comparison->first;
            FAIL(first.id << " " << first.at << ": " << first.expected << " " << first.got);
        }
        CHECK(comparison->compared == each.vectors);
        CHECK(comparison->malformed.empty());
    }
}

TEST_CASE("any number of an output that is off by one is found") {
    for (const Sample& each : samples) {
        std::istringstream lines(sample(each.file));
        std::uint64_t changed = 0;
        for (std::string line; std::getline(lines, line);) {
            Json vector = Json::parse(line);
            Json& output = vector.contains("output") ? vector["output"] : vector["result"];
            if (!raise_a_number(output)) continue;
            INFO(vector["id"]);
            const auto comparison = compare(each.policy, vector.dump(), each.file);
            REQUIRE(comparison);
            CHECK(comparison->differ == 1);
            ++changed;
        }
        CHECK(changed > each.vectors / 3);
    }
}

TEST_CASE("a difference is shown with its place and both sides") {
    const auto comparison =
        compare("mom", std::string(good) + "\n\n" + with("[1050.0]", "[1050.5]") + "\n", "f.jsonl");
    REQUIRE(comparison);
    CHECK(comparison->compared == 2);
    CHECK(comparison->differ == 1);
    REQUIRE(comparison->first);
    CHECK(comparison->first->line == 3);
    CHECK(comparison->first->id == "m1");
    CHECK(comparison->first->kind == "any");
    CHECK(comparison->first->at == "/target/0");
    CHECK(comparison->first->expected == "1050.5");
    CHECK(comparison->first->got == "1050.0");
}

TEST_CASE("numbers are equal by value, doubles to the last bit, and missing parts are told") {
    CHECK(compare("mom", with("[1050.0]", "[1050]"), "")->differ == 0);
    CHECK(compare("mom", with("[1050.0]", "[1050.0000000000002]"), "")->differ == 1);
    const auto more = compare("mom", with("[1050.0]", "[1050.0,null]"), "");
    CHECK(more->first->at == "/target/1");
    CHECK(more->first->got == "nothing");
    const auto fewer = compare("mom", with("[1050.0]", "[]"), "");
    CHECK(fewer->first->expected == "nothing");
    CHECK(compare("mom", with("\"ok\"", "\"okay\""), "")->first->at == "/okay");
}

TEST_CASE("a line that is no vector is told with file, line and what was expected") {
    const auto told = [](const char* policy, const std::string& text) {
        const auto comparison = compare(policy, text, "f.jsonl");
        REQUIRE(comparison);
        CHECK(comparison->compared == 0);
        REQUIRE(comparison->malformed.size() == 1);
        return comparison->malformed.front();
    };
    CHECK(told("mom", "{") == "f.jsonl:1: expected a JSON object");
    CHECK(told("mom", "\n[1]\n") == "f.jsonl:2: expected a JSON object");
    CHECK(told("mom", "{\"input\":{}}") ==
          "f.jsonl:1: expected an 'input' and an 'output' with keys");
    CHECK(told("mom", with("\"output\":{\"ok\":true,\"target\":[1050.0],\"applied_kib\":[1050]}",
                           "\"output\":{}")) ==
          "f.jsonl:1: expected an 'input' and an 'output' with keys");
    CHECK(told("mom", with("[500]", "500")) == "f.jsonl:1: expected a list in 'mem_free'");
    CHECK(told("mom", with("[500]", "[1e300]")) ==
          "f.jsonl:1: expected a number of at most 2^53 in 'mem_free'");
    CHECK(told("mom", with("\"host\":{", "\"host\":3,\"hosts\":{")) ==
          "f.jsonl:1: expected an object in 'host'");
    CHECK(told("pve", good) == "f.jsonl:1: expected a field 'vmstatus'");
    CHECK(told("qubes", good) == "f.jsonl:1: expected a kind of qmemman's, not 'any'");
    CHECK(told("qubes", R"({"kind":"clear_markers","input":[],"output":{"a":1}})") ==
          "f.jsonl:1: expected an object with 'domains'");
    for (const char* const unanswered : {R"({"id":"a","steps":[{"balloon":1},{"balloon":2}]})",
                                         R"({"id":"a","steps":[{"balloon":1}],"expected":{}})"})
        CHECK(told("pve", unanswered) ==
              "f.jsonl:1: expected a 'new_balloon' in its steps, 'expected' or 'result'");
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    CHECK(told("mom", with("[500]", deep)) == "f.jsonl:1: expected a JSON object");
}

TEST_CASE("a policy without vectors is refused with the names that there are") {
    const auto comparison = compare("static", good, "f.jsonl");
    REQUIRE_FALSE(comparison);
    CHECK(comparison.error().code == Errc::not_found);
    CHECK(comparison.error().context.find("mom, proxmox, pve, qmemman, qubes") !=
          std::string::npos);
}
