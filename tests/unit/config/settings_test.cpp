#include <catch2/catch.hpp>

#include "config/config.h"
#include "tests/unit/config/files.h"

using namespace ballast;
using namespace std::chrono_literals;

namespace {

Settings read(const std::string& text) {
    auto result = parse_config(text, "f");
    if (const auto* const problems = std::get_if<ConfigProblems>(&result)) FAIL(problems->text());
    return std::get<Settings>(std::move(result));
}

std::string problems_of(const std::string& text) {
    const auto result = parse_config(text, "f");
    const auto* const problems = std::get_if<ConfigProblems>(&result);
    return problems == nullptr ? "" : problems->text();
}

}  // namespace

TEST_CASE("what a file leaves out keeps its default") {
    const Settings read_settings = read(test::read_file(test::data("valid/minimal.yaml")));
    const Settings defaults;
    CHECK(read_settings.mode == Mode::live);
    CHECK(read_settings.cmm.profile == Profile::safe);
    CHECK(read_settings.cmm.delay == 1s);
    CHECK(read_settings.cmm.hotplug_delay == 5s);
    CHECK(read_settings.cmm.oom_kb == 1024);
    CHECK(read_settings.cmm.min_mem_mb == 256);
    CHECK_FALSE(read_settings.cmm.simulate_loan_target_kb);
    CHECK(read_settings.cmm.safeguards.credit_after_clamp);
    CHECK(read_settings.backend.name == "libvirt");
    CHECK(read_settings.backend.uris == std::vector<std::string>{"qemu:///system"});
    CHECK(read_settings.domains.empty());
    CHECK(read_settings.listen.http == defaults.listen.http);
    CHECK(read_settings.listen.api == defaults.listen.api);
    CHECK(read_settings.state.on_stop == OnStop::release);
    CHECK_FALSE(read_settings.scenario);
}

TEST_CASE("libvirt asks for nothing by itself, so policy ballast does unless told otherwise") {
    CHECK(read("mode: live").policy.name == "ballast");
    CHECK(read("backend: {name: libvirt}\npolicy: {name: fixed}").policy.name == "fixed");
    CHECK(read("cmm: {simulate: true}\npolicy: {name: cmm}").policy.name == "cmm");
}

TEST_CASE("a real host has a reserve unless one is set, 0 included") {
    CHECK(read("mode: live").host.automatic_reserve);
    CHECK_FALSE(read("host: {reserve: 0}").host.automatic_reserve);
    const Settings set = read("host: {reserve: 3GiB}");
    CHECK_FALSE(set.host.automatic_reserve);
    CHECK(set.host.reserve_bytes == 3 * kGiB);
    CHECK_FALSE(Settings{}.host.automatic_reserve);
}

TEST_CASE("libvirt's connection is one URI, or a list of several") {
    using Uris = std::vector<std::string>;
    CHECK(read("backend: {uri: \"test:///default\"}").backend.uris == Uris{"test:///default"});
    CHECK(read("backend: {uri: [\"qemu:///system\"]}").backend.uris == Uris{"qemu:///system"});
    CHECK(read("backend:\n  uri:\n    - qemu:///system\n    - qemu+tls://b.example/system\n")
              .backend.uris == Uris{"qemu:///system", "qemu+tls://b.example/system"});
}

TEST_CASE("every key of a live file is read") {
    const Settings settings = read(test::read_file(test::data("valid/all-keys.yaml")));
    CHECK(settings.cmm.profile == Profile::kernel);
    CHECK(settings.cmm.delay == 500ms);
    CHECK(settings.cmm.hotplug_delay == 10s);
    CHECK(settings.cmm.oom_kb == 2048);
    CHECK(settings.cmm.min_mem_mb == 512);
    CHECK(settings.cmm.debug);
    CHECK(settings.cmm.disable);
    CHECK_FALSE(settings.cmm.simulate);
    CHECK(settings.cmm.simulate_loan_target_kb == 4096U);
    CHECK(settings.cmm.max_step_bytes == 256 * kMiB);
    CHECK(settings.backend.uris ==
          std::vector<std::string>{"qemu+unix:///system?socket=/run/libvirt/libvirt-sock"});
    CHECK(settings.backend.stats_period_s == 5);
    CHECK(settings.backend.reconnect_min == 500ms);
    CHECK(settings.backend.reconnect_max == 1min);
    CHECK(settings.policy.name == "fixed");
    CHECK(settings.host.reserve_bytes == 4 * kGiB);
    CHECK(settings.listen.http == "[::1]:0");
    CHECK(settings.listen.api.empty());
    CHECK(settings.listen.api_group == "kvm");
    CHECK(settings.listen.host_names == std::vector<std::string>{"host1", "host1.example.com"});
    CHECK(settings.backend.module_directory == "/opt/ballast/backends");
    CHECK(settings.metrics.max_domains == 50);
    CHECK(settings.state.path == "/var/lib/ballast/books.db");
    CHECK(settings.state.on_stop == OnStop::keep);
    CHECK(settings.state.stop_timeout == 2min);
}

TEST_CASE("overrides keep the file's order") {
    const Settings settings = read(test::read_file(test::data("valid/all-keys.yaml")));
    REQUIRE(settings.domains.size() == 3);
    CHECK(settings.domains[0].pattern == "db-*");
    CHECK(settings.domains[0].min_mem_mb == 4096U);
    CHECK(settings.domains[0].oom_kb == 4096U);
    CHECK(settings.domains[0].hotplug_delay == 20s);
    CHECK(settings.domains[0].max_step_bytes == 64 * kMiB);
    CHECK(settings.domains[0].shares == 2000U);
    CHECK_FALSE(settings.domains[0].disable);
    CHECK(settings.domains[1].pattern == "web1");
    CHECK(settings.domains[1].disable == true);
    CHECK(settings.domains[1].simulate_loan_target_kb == 1024U);
    CHECK_FALSE(settings.domains[1].min_mem_mb);
    CHECK(settings.domains[2].pattern == "*");
}

TEST_CASE("profile kernel switches the safeguards off, and each can be switched back") {
    const Safeguards kernel = read("cmm: {profile: kernel}").cmm.safeguards;
    CHECK(kernel.oom_credit);
    CHECK_FALSE(kernel.credit_after_clamp);
    CHECK_FALSE(kernel.always_give_back);
    // Whatever comes first in the file.
    const Safeguards mixed =
        read("cmm: {safeguards: {always_give_back: true}, profile: kernel}").cmm.safeguards;
    CHECK(mixed.always_give_back);
    CHECK_FALSE(mixed.credit_after_clamp);
    CHECK_FALSE(read("cmm: {safeguards: {oom_credit: false}}").cmm.safeguards.oom_credit);
}

TEST_CASE("bounds belong to what is allowed") {
    const auto [good, bad] = GENERATE(table<std::string, std::string>({
        {"cmm: {delay: 10ms}", "cmm: {delay: 9ms}"},
        {"cmm: {delay: 1h}", "cmm: {delay: 3601}"},
        {"cmm: {hotplug_delay: 0}", "cmm: {hotplug_delay: -1}"},
        {"cmm: {min_mem_mb: 8589934592}", "cmm: {min_mem_mb: 8589934593}"},
        {"cmm: {oom_kb: 4294967295}", "cmm: {oom_kb: 4294967296}"},
        {"cmm: {max_step: 8PiB}", "cmm: {max_step: 9007199254740993}"},
        {"backend: {stats_period: 3600}", "backend: {stats_period: 3601}"},
        {"backend: {reconnect_min: 100ms}", "backend: {reconnect_min: 99ms}"},
        {"listen: {http: \"a:0\"}", "listen: {http: \"a:-1\"}"},
        {"listen: {http: \"a:65535\"}", "listen: {http: \"a:65536\"}"},
        {"listen: {http: \"[::1]:1\"}", "listen: {http: \"[]:1\"}"},
        {"listen: {http: \"\"}", "listen: {http: \" :1\"}"},
        {"state: {stop_timeout: 10m}", "state: {stop_timeout: 601}"},
        {"metrics: {max_domains: 0}", "metrics: {max_domains: 1000001}"},
    }));
    CAPTURE(good, bad);
    CHECK(problems_of(good).empty());
    CHECK_FALSE(problems_of(bad).empty());
}

TEST_CASE("a key of the wrong mode names the mode that it is for") {
    CHECK(problems_of("backend: {name: mock}").find("mode: simulate") != std::string::npos);
}

TEST_CASE("modules come from the installed directory unless configured otherwise") {
    CHECK(read("mode: live").backend.module_directory.ends_with("/ballast/backends"));
    CHECK(read("mode: live").backend.module_directory.starts_with("/"));
    CHECK(problems_of("backend: {module_directory: backends}") ==
          "f:1:29: backend.module_directory is 'backends', expected an absolute path\n");
}

TEST_CASE("names of this host are names, without ports") {
    for (const char* wrong : {"a:80", "[x]", "''", "\"a b\"", "a/b"})
        CHECK(problems_of(std::string("listen: {host_names: [") + wrong + "]}")
                  .find("listen.host_names[0] is ") != std::string::npos);
    CHECK(problems_of("listen: {host_names: a}").find("expected a list") != std::string::npos);
}

TEST_CASE("an unknown backend or mode is not blamed twice") {
    CHECK(problems_of("mode: simulation\nscenario: {description: x, domains: [{name: a}]}") ==
          "f:1:7: mode is 'simulation', expected one of: live, simulate; did you mean "
          "'simulate'?\n");
    CHECK(problems_of("backend: {name: xen}") ==
          "f:1:17: backend.name is 'xen', expected one of: pseries, libvirt, mock, workload\n");
}

TEST_CASE("an alias stands for its anchor's values") {
    const Settings settings = read("domains:\n  a: &small {min_mem_mb: 64}\n  b: *small\n");
    REQUIRE(settings.domains.size() == 2);
    CHECK(settings.domains[1].min_mem_mb == 64U);
}

TEST_CASE("simulate makes no hypervisor call, unless it is told to") {
    const auto [cmm, calls] = GENERATE(table<std::string, bool>({
        {"{}", true},
        {"{simulate: false}", true},
        {"{simulate: true}", false},
        {"{simulate: true, simulate_hypervisor: false}", false},
        {"{simulate: true, simulate_hypervisor: true}", true},
    }));
    CAPTURE(cmm);
    const auto loaded = parse_config("mode: simulate\ncmm: " + cmm +
                                         "\nbackend: {name: pseries}\nscenario:\n"
                                         "  description: One guest.\n  domains: [{name: vm}]\n",
                                     "test.yaml");
    const auto* const settings = std::get_if<Settings>(&loaded);
    REQUIRE(settings != nullptr);
    CHECK(settings->scenario->hypervisor_calls == calls);
}
