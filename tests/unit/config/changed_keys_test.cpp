#include "config/changed_keys.h"

#include <catch2/catch.hpp>
#include <string>

using namespace ballast;

namespace {

std::string diff(const char* before, const char* after) {
    std::string text;
    for (const ChangedKey& key : changed_keys(before, after))
        text += key.name + ": " + key.before + " -> " + key.after + "\n";
    return text;
}

}  // namespace

TEST_CASE("each key that differs is named with both values") {
    CHECK(diff("mode: live\nstate: {on_stop: release}", "mode: live\nstate: {on_stop: keep}") ==
          "state.on_stop: release -> keep\n");
    CHECK(diff("mode: live", "state:\n  on_stop: keep\n  stop_timeout: 5s\nmode: live") ==
          "state.on_stop:  -> keep\nstate.stop_timeout:  -> 5s\n");
    CHECK(diff("state: {on_stop: keep}\nlisten: {http: \"a:1\"}", "{}") ==
          "state.on_stop: keep -> \nlisten.http: a:1 -> \n");
    CHECK(diff("backend: {uri: [a, b]}", "backend: {uri: [b, a]}") ==
          "backend.uri: [a, b] -> [b, a]\n");
    CHECK(diff("backend: {uri: a}", "backend: {uri: [a]}") == "backend.uri: a -> [a]\n");
    CHECK(diff("domains: {\"db-*\": {oom_kb: 1}}", "domains: {\"db-*\": {oom_kb: 2}}") ==
          "domains.db-*.oom_kb: 1 -> 2\n");
    CHECK(diff("x: [{a: 1}]", "x: [{a: 2}]") == "x: [{a: 1}] -> [{a: 2}]\n");
}

TEST_CASE("what means the same does not differ") {
    CHECK(diff("mode: live # a word\nhost: {reserve: 1GiB}",
               "host:\n    reserve: \"1GiB\"\nmode: live") == "");
    CHECK(diff("mode: live\nstate:", "mode: live") == "");
    CHECK(diff("", "") == "");
}
