#include "controller/reload.h"

#include <catch2/catch.hpp>
#include <string>
#include <variant>

#include "config/config.h"

using namespace ballast;

namespace {

Settings read(const std::string& text) {
    auto loaded = parse_config(text, "f");
    if (const auto* const problems = std::get_if<ConfigProblems>(&loaded)) FAIL(problems->text());
    return std::get<Settings>(std::move(loaded));
}

std::string names(const std::vector<ChangedKey>& keys) {
    std::string text;
    for (const ChangedKey& key : keys) text += key.name + " ";
    return text;
}

}  // namespace

TEST_CASE("a key is applied at once or named for the next start, never neither") {
    const Settings start = read("mode: live");
    const Settings fresh = read(
        "mode: live\n"
        "cmm: {delay: 2s}\n"
        "guests: {stuck_after: 10s}\n"
        "host: {reserve: 1GiB}\n"
        "bus: {size_kib: 64}\n"
        "metrics: {max_domains: 5}\n"
        "policy: {name: fixed}\n"
        "domains: {\"a*\": {disable: true}}\n"
        "state: {path: /x/y.db, on_stop: keep, stop_timeout: 5s}\n"
        "listen: {http: \"127.0.0.1:1\", api: /x/s, api_group: root, host_names: [a]}\n"
        "backend: {uri: \"test:///default\", call_timeout: 2s, force_unload: true, "
        "module_directory: /x}\n"
        "references: {module_refs: atomic}\n"
        "probe: {enabled: true}\n");
    const ReloadChanges changes = reload_changes(start, start, fresh);
    CHECK(names(changes.applied) ==
          "cmm.delay guests.stuck_after host.reserve bus.size_kib metrics.max_domains policy.name "
          "domains.a*.disable state.on_stop state.stop_timeout ");
    CHECK(names(changes.at_next_start) ==
          "state.path listen.http listen.api listen.api_group listen.host_names backend.uri "
          "backend.call_timeout backend.force_unload backend.module_directory "
          "references.module_refs probe.enabled ");
    CHECK(
        reload_status(changes).starts_with("running; at the next start: state.path, listen.http"));
    // A second reload has nothing new to apply, and what waits for a restart still waits.
    const ReloadChanges again = reload_changes(start, fresh, fresh);
    CHECK(again.applied.empty());
    CHECK(again.at_next_start.size() == changes.at_next_start.size());
    CHECK(reload_status(reload_changes(start, start, start)) == "running");
}

TEST_CASE("a key that nobody has thought of needs a restart") {
    CHECK_FALSE(is_applied_by_reload("brand.new"));
    CHECK_FALSE(is_applied_by_reload("hostess.reserve"));
    CHECK_FALSE(is_applied_by_reload("state"));
    CHECK_FALSE(is_applied_by_reload("cmm.simulate_hypervisor"));
    CHECK(is_applied_by_reload("cmm.simulate"));
}
