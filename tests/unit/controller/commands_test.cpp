#include <catch2/catch.hpp>
#include <cerrno>

#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("disabling gives everything back at once, enabling waits one delay") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.backend.add("g2", kGiB);
    bench.tick();
    REQUIRE(bench.controller().disable("g1", true));
    CHECK(bench.backend.table.loaned_bytes[0] == 0);
    CHECK(bench.backend.table.loaned_bytes[1] == kMiB);
    // The target stays as it was, as the driver's does.
    CHECK(*bench.controller().get_attribute("g1", "loaned_target_kb") == "1024");
    CHECK(bench.tick()->decisions[0].constraint == Constraint::disabled);
    REQUIRE(bench.controller().disable("g1", false));
    bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == kMiB);
}

TEST_CASE("disabling all reaches every domain") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.backend.add("g2", kGiB);
    bench.tick();
    REQUIRE(bench.controller().disable("", true));
    CHECK(bench.controller().lent_bytes() == 0);
}

TEST_CASE("release gives back and does not lend again by itself under policy fixed") {
    Bench bench(fixed_settings(1024));
    bench.backend.add("g1", kGiB);
    bench.tick();
    REQUIRE(bench.controller().release("g1"));
    CHECK(bench.backend.table.loaned_bytes[0] == 0);
    bench.tick();
    CHECK(bench.backend.table.loaned_bytes[0] == 0);
}

TEST_CASE("stopping gives back what was lent, not what the domain came with") {
    Bench bench;
    bench.settings.policy.name = "fixed";
    bench.backend.add("g1", kGiB, 100 * kMiB);
    bench.tick();
    REQUIRE(bench.controller().set_attribute("g1", "simulate_loan_target_kb", "204800"));
    bench.tick();
    CHECK(bench.controller().lent_bytes() == 100 * kMiB);
    CHECK(bench.controller().give_everything_back());
    CHECK(bench.backend.table.loaned_bytes[0] == 100 * kMiB);
}

TEST_CASE("stopping waits for asynchronous guests") {
    Bench bench(fixed_settings(1024));
    bench.backend.capabilities_.asynchronous = true;
    bench.backend.add("g1", kGiB);
    bench.tick();
    bench.backend.table.loaned_bytes[0] = kMiB;
    CHECK_FALSE(bench.controller().give_everything_back());
    CHECK_FALSE(bench.controller().give_everything_back());
    bench.backend.table.loaned_bytes[0] = 0;
    CHECK(bench.controller().give_everything_back());
    CHECK(bench.backend.steps.back().loaned_to_bytes == 0);
}

TEST_CASE("stopping sets the balloon of a crashed guest and does not wait for it") {
    Bench bench(fixed_settings(1024));
    bench.backend.capabilities_.asynchronous = true;
    bench.backend.add("g1", kGiB);
    bench.backend.add("crashed", kGiB);
    bench.tick();
    bench.backend.table.loaned_bytes = {kMiB, kMiB};
    bench.backend.table.flags[1] = DomainFlags::crashed | DomainFlags::paused;
    bench.backend.steps.clear();
    CHECK_FALSE(bench.controller().give_everything_back());
    CHECK(bench.controller().lent_bytes() == kMiB);
    REQUIRE(bench.backend.steps.size() == 2);
    CHECK(bench.backend.steps[1].domain == key_from_name("crashed"));
    CHECK(bench.backend.steps[1].loaned_to_bytes == 0);
    bench.backend.table.loaned_bytes[0] = 0;
    CHECK(bench.controller().give_everything_back());
}

TEST_CASE("refusals carry the driver's errno") {
    Bench bench;
    bench.backend.add("g1", kGiB);
    bench.tick();
    const auto [attribute, value, sys_errno] = GENERATE(table<std::string, std::string, int>({
        {"oom_freed_kb", "1", EBADMSG},
        {"oom_freed_kb", "10abc", EBADMSG},
        {"oom_freed_kb", "abc", EBADMSG},
        {"oom_freed_kb", "-1", EBADMSG},
        {"oom_freed_kb", "0x5", EBADMSG},
        {"oom_freed_kb", "", EBADMSG},
        {"simulate_loan_target_kb", "-1", EINVAL},
        {"simulate_loan_target_kb", "abc", EINVAL},
        {"simulate_loan_target_kb", "5000k", EINVAL},
        {"simulate_loan_target_kb", "18446744073709551616", ERANGE},
        {"min_mem_mb", "17592186044416", ERANGE},
        {"disable", "2", EINVAL},
        {"disable", "abc", EINVAL},
        {"loaned_kb", "0", EACCES},
        {"loaned_target_kb", "0", EACCES},
        {"simulate", "1", EACCES},
    }));
    CAPTURE(attribute, value);
    const auto refused = bench.controller().set_attribute("g1", attribute, value);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::refused);
    CHECK(refused.error().sys_errno == sys_errno);
}

TEST_CASE("unknown names are told apart from refusals") {
    Bench bench;
    bench.backend.add("g1", kGiB);
    bench.tick();
    CHECK(bench.controller().set_attribute("nobody", "oom_kb", "1").error().code ==
          Errc::not_found);
    CHECK(bench.controller().get_attribute("g1", "loned_kb").error().code == Errc::not_found);
    CHECK(bench.controller().set_attribute("g1", "delay", "2").error().code == Errc::refused);
}

TEST_CASE("the most specific setting wins, and a reload keeps what operators set") {
    Settings settings;
    settings.cmm.min_mem_mb = 100;
    DomainOverride databases;
    databases.pattern = "db-*";
    databases.min_mem_mb = 400;
    settings.domains.push_back(databases);
    Bench bench(settings);
    bench.backend.add("db-1", kGiB);
    bench.backend.add("web", kGiB);
    bench.tick();
    REQUIRE(bench.controller().set_attribute("", "min_mem_mb", "200"));
    CHECK(*bench.controller().get_attribute("db-1", "min_mem_mb") == "400");
    CHECK(*bench.controller().get_attribute("web", "min_mem_mb") == "200");
    REQUIRE(bench.controller().set_attribute("db-1", "min_mem_mb", "500"));
    settings.domains[0].min_mem_mb = 450;
    settings.cmm.min_mem_mb = 150;
    bench.controller().reconfigure(settings);
    CHECK(*bench.controller().get_attribute("db-1", "min_mem_mb") == "500");
    CHECK(*bench.controller().get_attribute("web", "min_mem_mb") == "200");
}

TEST_CASE("a new oom_kb reaches the guest's driver") {
    Bench bench;
    bench.backend.add("g1", kGiB);
    bench.tick();
    REQUIRE(bench.controller().set_attribute("g1", "oom_kb", "2048"));
    REQUIRE(bench.backend.tuned.size() == 2);
    CHECK(bench.backend.tuned.front().second == kMiB);
    CHECK(bench.backend.tuned.back().second == 2 * kMiB);
}
