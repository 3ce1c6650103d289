// Domains in a memory cgroup that is smaller than their memory.
#include <catch2/catch.hpp>

#include "base/log.h"
#include "controller/decide.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// A domain of 1 GiB that keeps 400 MiB and may keep `limit_bytes`; its balloon follows at once.
struct Limited {
    explicit Limited(std::uint64_t limit_bytes, Settings settings = fixed_settings(0))
        : bench(std::move(settings)) {
        bench.backend.add("g", kGiB, 624 * kMiB);
        bench.backend.table.limit_bytes[0] = limit_bytes;
    }
    std::uint64_t kept() const { return kGiB - bench.backend.table.loaned_bytes[0]; }
    log::Redirect quiet{[](log::Level, std::string_view) {}};
    Bench bench;
};

}  // namespace

TEST_CASE("a domain is given no more than its memory cgroup can hold, and is told of it") {
    Limited domain(600 * kMiB);
    domain.bench.tick();
    REQUIRE(domain.bench.controller().set_attribute("g", "simulate_loan_target_kb", "0"));
    for (int i = 0; i < 3; ++i) domain.bench.tick();
    CHECK(domain.kept() == 600 * kMiB);
    const auto snapshot = domain.bench.tick();
    CHECK(snapshot->decisions[0].constraint == Constraint::memory_limit);
    const std::string text = explain(*snapshot, 0);
    CHECK(text.find("no more than 600 MiB") != std::string::npos);
    CHECK(text.find("memory cgroup") != std::string::npos);
}

TEST_CASE("without a limit it is given everything") {
    Limited domain(kUnknownBytes);
    domain.bench.tick();
    REQUIRE(domain.bench.controller().set_attribute("g", "simulate_loan_target_kb", "0"));
    domain.bench.tick();
    CHECK(domain.kept() == kGiB);
}

TEST_CASE("a guest that runs short is given what its cgroup can hold and no more") {
    Settings settings = fixed_settings(1000 * 1024);
    settings.cmm.min_mem_mb = 64;
    Limited domain(300 * kMiB, settings);
    domain.bench.backend.table.loaned_bytes[0] = 0;  // lends nothing of its own yet
    for (int i = 0; i < 3; ++i) domain.bench.tick();
    REQUIRE(domain.kept() < 100 * kMiB);
    domain.bench.backend.table.usable_bytes[0] = kMiB;
    CHECK(domain.bench.tick()->decisions[0].constraint == Constraint::surge);
    CHECK(domain.kept() == 300 * kMiB);
    CHECK(domain.bench.tick()->decisions[0].constraint == Constraint::memory_limit);
    CHECK(domain.kept() == 300 * kMiB);
}

TEST_CASE("disabling, releasing and stopping leave lent what the cgroup cannot hold") {
    Settings settings = fixed_settings(900 * 1024);
    settings.cmm.min_mem_mb = 64;
    for (int way = 0; way < 3; ++way) {
        Limited domain(600 * kMiB, settings);
        domain.bench.backend.table.loaned_bytes[0] = 0;
        for (int i = 0; i < 3; ++i) domain.bench.tick();
        REQUIRE(domain.kept() < 200 * kMiB);
        if (way == 0) REQUIRE(domain.bench.controller().set_attribute("g", "disable", "1"));
        if (way == 1) REQUIRE(domain.bench.controller().release("g"));
        if (way == 2) {
            domain.bench.controller().give_everything_back();
            CHECK(domain.bench.controller().give_everything_back());
        } else {
            for (int i = 0; i < 3; ++i) domain.bench.tick();
        }
        INFO(way);
        CHECK(domain.kept() == 600 * kMiB);
    }
}

TEST_CASE("nothing is taken from a domain that keeps more than its limit already") {
    Limited domain(200 * kMiB);
    domain.bench.tick();
    for (int i = 0; i < 3; ++i) domain.bench.tick();
    CHECK(domain.kept() == 400 * kMiB);
}

TEST_CASE("policy ballast takes the limit for all of the domain's memory") {
    Settings settings;
    settings.policy.name = "ballast";
    Limited domain(600 * kMiB, settings);
    auto& backend = domain.bench.backend;
    backend.host.total_bytes = 24 * kGiB;
    backend.host.available_bytes = 20 * kGiB;
    backend.table.usable_bytes[0] = 5 * kMiB;
    backend.table.unused_bytes[0] = 5 * kMiB;
    for (int i = 0; i < 10; ++i) domain.bench.tick();
    CHECK(domain.kept() == 600 * kMiB);
    const auto snapshot = domain.bench.tick();
    CHECK(snapshot->decisions[0].request_bytes == 0);
    CHECK(explain(*snapshot, 0).find("no more than 600 MiB") != std::string::npos);
}

TEST_CASE("the least loan is whole pages, and no more than is lent") {
    CHECK(least_loan_bytes(kGiB, 624 * kMiB, 600 * kMiB + 5, 12) == 424 * kMiB);
    CHECK(least_loan_bytes(kGiB, 100 * kMiB, 600 * kMiB, 12) == 100 * kMiB);
    CHECK(least_loan_bytes(kGiB, 100 * kMiB, kUnknownBytes, 12) == 0);
    CHECK(least_loan_bytes(kGiB, 624 * kMiB, 0, 12) == 624 * kMiB);
}
