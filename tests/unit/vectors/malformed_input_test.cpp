#include <catch2/catch.hpp>
#include <string>

#include "vectors/outputs.h"

using namespace ballast;
using namespace ballast::vectors;
using nlohmann::json;

namespace {

std::string problem(const Result<json>& made) {
    if (made) return made->dump();
    CHECK(made.error().code == Errc::invalid_argument);
    return made.error().message();
}

std::string squeezed(const char* kind, const char* input) {
    return problem(squeezed_output(kind, json::parse(input)));
}
std::string cpuplugd(const char* kind, const char* input) {
    return problem(cpuplugd_output(kind, json::parse(input)));
}

}  // namespace

TEST_CASE("an input of an unknown kind is refused with the kinds there are") {
    CHECK(squeezed("target", "{}") ==
          "'target' is no kind of squeezed's, expected targets..., iteration, call_... or "
          "upstream_scenario");
    CHECK(cpuplugd("rule", "{}") ==
          "'rule' is no kind of cpuplugd's, expected expr_... or rules...");
}

TEST_CASE("a malformed input of squeezed is refused with its place") {
    CHECK(squeezed("targets", "[]") == "input is array, expected an object");
    CHECK(squeezed("targets", "{}") ==
          "input.free_mem_kib is missing, expected a whole number of at most 2^53");
    CHECK(squeezed("targets", R"({"free_mem_kib": 1.5})") ==
          "input.free_mem_kib is number, expected a whole number of at most 2^53");
    CHECK(squeezed("targets", R"({"free_mem_kib": 18446744073709551615})") ==
          "input.free_mem_kib is number, expected a whole number of at most 2^53");
    CHECK(squeezed("targets", R"({"free_mem_kib": 1, "domains": 5})") ==
          "input.domains is number, expected an array");
    CHECK(squeezed("targets", R"({"free_mem_kib": 1, "domains": [{"domid": "a"}]})") ==
          "input.domains[0].domid is string, expected a whole number of at most 2^53");
    CHECK(squeezed("iteration", R"({"fistpoints": ["x"], "steps": []})") ==
          "input.fistpoints[0] is string, expected disable_two_phase or "
          "disable_inaccuracy_compensation");
    CHECK(squeezed("call_x", R"({"call": "x", "hosts": [], "times_s": [], "fistpoints": [],
              "target_host_free_mem_kib": 0, "free_memory_tolerance_kib": 0})") ==
          "input.call is string, expected change_host_free_memory, free_memory, "
          "free_memory_range, balance_memory or unbalanced");
    const char* const twins = R"({"free_mem_kib": 1, "domains": [
        {"domid": 1, "can_balloon": true, "dynamic_min_kib": 1, "dynamic_max_kib": 1,
         "target_kib": 1, "memory_actual_kib": 1, "inaccuracy_kib": 1},
        {"domid": 1, "can_balloon": true, "dynamic_min_kib": 1, "dynamic_max_kib": 1,
         "target_kib": 1, "memory_actual_kib": 1, "inaccuracy_kib": 1}]})";
    CHECK(squeezed("targets", twins) == "input.domains is array, expected each domid once");
}

TEST_CASE("a call of squeezed's whose recording ends too early ends with it") {
    const char* const nothing = R"({"call": "free_memory", "required_kib": 5, "hosts": [],
        "times_s": [], "fistpoints": [], "target_host_free_mem_kib": 0,
        "free_memory_tolerance_kib": 0})";
    CHECK(squeezed("call_free_memory", nothing) ==
          R"({"end":{"outcome":"model_failure"},"events":[]})");
}

TEST_CASE("a malformed input of cpuplugd is refused with its place") {
    CHECK(cpuplugd("expr_edge", "{}") == "input.variables is missing, expected an array");
    CHECK(cpuplugd("expr_edge", R"({"variables": [["a"]], "symbols": {}})") ==
          "input.variables[0] is array, expected [name, text]");
    CHECK(cpuplugd("expr_edge", R"({"variables": [], "symbols": {"x": 1}})") ==
          "input.symbols.x is number, expected one of cpuplugd's symbols");
    CHECK(cpuplugd("rules", R"({"config": {"cmm_min": 5}})") ==
          "input.config.cmm_min is number, expected a text");
    CHECK(cpuplugd("rules", R"({"config": {}, "samples": [], "cmm_pages": "1"})") ==
          "input.cmm_pages is string, expected a whole number of at most 2^53");
}

TEST_CASE("a rule of cpuplugd's that is empty or null is not set") {
    const char* const unset = R"({"config": {"cmm_min": "0", "cmm_max": "9", "cmm_inc": "1",
        "memplug": "", "memunplug": null}, "samples": [], "cmm_pages": 1})";
    CHECK(cpuplugd("rules_edge", unset) ==
          R"({"config":"memory disabled","history_max":1,"steps":[]})");
}
