#include "controller/reservations.h"

#include <catch2/catch.hpp>

#include "base/log.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

Settings nobody_lends() {
    Settings settings = fixed_settings(0);
    settings.guests.surge_below_bytes = 64 * kMiB;
    settings.cmm.min_mem_mb = 256;
    return settings;
}

// A host of 8 GiB with two guests of 2 GiB; memory that is lent is available on the host.
struct Host {
    explicit Host(const Settings& settings = nobody_lends()) : bench(settings) {
        for (const char* name : {"idle", "busy"}) bench.backend.add(name, 2 * kGiB);
        usable(0, 1600 * kMiB);
        usable(1, 400 * kMiB);
    }
    void usable(std::size_t row, std::uint64_t bytes) {
        bench.backend.table.usable_bytes[row] = bytes;
    }
    std::uint64_t lent(std::size_t row) const { return bench.backend.table.loaned_bytes[row]; }
    SnapshotExchange::Handle tick() {
        bench.backend.host.available_bytes = free_bytes + lent(0) + lent(1) - used_bytes;
        const std::uint64_t before[] = {lent(0), lent(1)};
        auto snapshot = bench.tick();
        for (const std::size_t row : {0U, 1U}) {
            std::uint64_t& bytes = bench.backend.table.usable_bytes[row];
            if (bytes != kUnknownBytes) bytes += before[row] - lent(row);
        }
        return snapshot;
    }
    std::vector<Reservation> told() { return bench.controller().reservations().reservations; }
    std::vector<Reservation> tick_and_tell() {
        tick();
        return told();
    }
    std::uint64_t reserve(std::uint64_t bytes, const std::string& domain = "",
                          Duration expires = 10min) {
        const auto id = bench.controller().reserve(bytes, domain, expires);
        REQUIRE(id);
        return *id;
    }

    log::Redirect quiet{[](log::Level, std::string_view) {}};
    Bench bench;
    std::uint64_t free_bytes = 4 * kGiB;
    std::uint64_t used_bytes = 0;
};

}  // namespace

TEST_CASE("memory that the host has is reserved without asking anybody") {
    Host host;
    host.reserve(3 * kGiB);
    host.tick();
    REQUIRE(host.told().size() == 1);
    CHECK(host.told()[0].ready);
    CHECK(host.bench.backend.steps.empty());
}

TEST_CASE(
    "what the host lacks is lent by those who can spare it, in proportion, and told when there") {
    Host host;
    host.reserve(5 * kGiB);
    CHECK_FALSE(host.tick_and_tell()[0].ready);
    // Of 1600 MiB a quarter stays, of 400 MiB 128: 1200 to 272.
    CHECK(host.lent(0) + host.lent(1) == kGiB);
    CHECK(host.lent(0) == Approx(static_cast<double>(kGiB) * 1200 / 1472).epsilon(0.01));
    const auto snapshot = host.tick();
    CHECK(host.told()[0].ready);
    CHECK(snapshot->decisions[0].constraint == Constraint::reservation);
    for (int i = 0; i < 20; ++i) host.tick();
    CHECK(host.lent(0) + host.lent(1) == kGiB);
}

TEST_CASE("no guest lends more than it can spare, however much is reserved") {
    Host host;
    host.reserve(100 * kGiB);
    for (int i = 0; i < 50; ++i) CHECK_FALSE(host.tick_and_tell()[0].ready);
    CHECK(host.bench.backend.table.usable_bytes[0] >= 399 * kMiB);  // a quarter
    CHECK(host.bench.backend.table.usable_bytes[1] >= 128 * kMiB);
}

TEST_CASE("what was lent goes back when a reservation is cancelled or expires") {
    Host host;
    const std::uint64_t id = host.reserve(5 * kGiB, "", 30s);
    host.tick();
    REQUIRE(host.lent(0) > 0);
    SECTION("cancelled") {
        REQUIRE(host.bench.controller().cancel_reservation(id));
        host.tick();
    }
    SECTION("expired") {
        for (int i = 0; i < 31; ++i) host.tick();
    }
    CHECK(host.lent(0) == 0);
    CHECK(host.lent(1) == 0);
    CHECK(host.tick_and_tell().empty());
    CHECK_FALSE(host.bench.controller().cancel_reservation(id));
}

TEST_CASE("of two reservations the second is lent for as well, and only its part goes back") {
    Host host;
    host.reserve(4 * kGiB + 512 * kMiB);
    const std::uint64_t second = host.reserve(512 * kMiB);
    host.tick();
    host.tick();
    CHECK(host.lent(0) + host.lent(1) == kGiB);
    REQUIRE(host.bench.controller().cancel_reservation(second));
    host.tick();
    CHECK(host.lent(0) + host.lent(1) == 512 * kMiB);
    CHECK(host.tick_and_tell()[0].ready);
}

TEST_CASE("a reservation takes off what its domain holds, and ends when it holds all") {
    Host host;
    host.reserve(3 * kGiB, "new");
    CHECK(host.tick_and_tell()[0].outstanding_bytes == 3 * kGiB);
    const std::size_t row = host.bench.backend.add("new", 3 * kGiB);
    host.bench.backend.table.resident_bytes[row] = 0;
    CHECK(host.tick_and_tell()[0].domain_seen);
    for (std::uint64_t held_gib = 1; held_gib < 3; ++held_gib) {
        host.used_bytes += kGiB;
        host.bench.backend.table.resident_bytes[row] += kGiB;
        host.tick();
        CHECK(host.told()[0].outstanding_bytes == (3 - held_gib) * kGiB);
        CHECK(host.told()[0].ready);
        CHECK(host.lent(0) == 0);  // nothing is promised twice
    }
    host.used_bytes += kGiB;
    host.bench.backend.table.resident_bytes[row] += kGiB;
    CHECK(host.tick_and_tell().empty());
}

TEST_CASE("a reservation ends with its domain") {
    Host host;
    host.reserve(3 * kGiB, to_string(key_from_name("new")));
    host.bench.backend.add("new", 3 * kGiB);
    CHECK(host.tick_and_tell().size() == 1);
    host.bench.backend.table.remove_row(2);
    ++host.bench.backend.table.membership;
    CHECK(host.tick_and_tell().empty());
}

TEST_CASE("what is reserved is not given back to others") {
    Host host;
    REQUIRE(host.bench.controller().set_attribute("", "simulate_loan_target_kb", "1048576"));
    host.tick();
    REQUIRE(host.lent(0) == kGiB);
    host.free_bytes = kGiB;
    host.reserve(3 * kGiB);
    host.tick();
    REQUIRE(host.bench.controller().set_attribute("idle", "simulate_loan_target_kb", "0"));
    CHECK(host.tick()->decisions[0].constraint == Constraint::host_floor);
    CHECK(host.lent(0) >= kGiB);
}

TEST_CASE("nothing is asked of guests that are held, stuck in a surge or tell nothing") {
    Host host;
    const int why = GENERATE(0, 1, 2, 3);
    DomainTable& table = host.bench.backend.table;
    if (why == 0) table.flags[0] = DomainFlags::no_stats;
    if (why == 1) host.usable(0, kUnknownBytes);
    if (why == 2) table.flags[0] = DomainFlags::pinned_memory;
    host.tick();
    if (why == 3) REQUIRE(host.bench.controller().disable("idle", true));
    host.reserve(5 * kGiB);
    for (int i = 0; i < 5; ++i) host.tick();
    CHECK(host.lent(0) == 0);
    CHECK(host.lent(1) > 0);
}

TEST_CASE("what is only decided, or not given yet, is not asked for once more") {
    Host host;
    const bool dry = GENERATE(true, false);
    host.bench.dry_run = dry;
    host.bench.backend.capabilities_.asynchronous = !dry;
    host.reserve(5 * kGiB);
    for (int i = 0; i < 25; ++i) {
        const auto snapshot = host.tick();
        CHECK(snapshot->decisions[0].decided_bytes + snapshot->decisions[1].decided_bytes == kGiB);
    }
}

TEST_CASE("in the place of a lender that cannot give, others are asked") {
    Host host;
    host.bench.backend.capabilities_.asynchronous = true;
    host.reserve(4 * kGiB + 256 * kMiB);
    const auto snapshot = host.tick();
    const std::uint64_t asked_of_busy = snapshot->decisions[1].decided_bytes;
    REQUIRE(snapshot->decisions[0].decided_bytes > asked_of_busy);
    host.bench.backend.table.flags[0] = DomainFlags::paused;
    CHECK(host.tick()->decisions[1].decided_bytes == 256 * kMiB);
}

TEST_CASE("a domain that others set is not lent from beyond that for what it owed before") {
    Host host;
    host.bench.backend.capabilities_.asynchronous = true;
    host.reserve(5 * kGiB);
    host.tick();
    host.bench.backend.table.loaned_bytes[0] = host.bench.backend.steps[0].loaned_to_bytes;
    host.bench.backend.table.loaned_bytes[1] = host.bench.backend.steps[1].loaned_to_bytes;
    host.tick();
    host.free_bytes += 4 * kGiB;  // nobody is needed any more
    host.bench.backend.steps.clear();
    host.bench.backend.table.loaned_bytes[0] = 100 * kMiB;
    for (int i = 0; i < 3; ++i) CHECK(host.tick()->decisions[0].decided_bytes == 100 * kMiB);
    for (const Step& step : host.bench.backend.steps)
        CHECK((step.row == 1 || step.loaned_to_bytes == 100 * kMiB));
}

TEST_CASE("a start that is tried again reserves once") {
    Host host;
    host.reserve(kGiB, "new");
    const std::uint64_t second = host.reserve(2 * kGiB, "new");
    REQUIRE(host.told().size() == 1);
    CHECK(host.told()[0].id == second);
    CHECK(host.told()[0].bytes == 2 * kGiB);
}

TEST_CASE("a reservation is ready at once where the host has the memory") {
    Host host;
    host.tick();
    host.reserve(kGiB);
    CHECK(host.told()[0].ready);
    host.reserve(4 * kGiB);
    CHECK_FALSE(host.told()[1].ready);
}

TEST_CASE("a step limit does not make guests lend more in the end") {
    Settings settings = nobody_lends();
    settings.cmm.max_step_bytes = 64 * kMiB;
    Host host(settings);
    host.reserve(5 * kGiB);
    for (int i = 0; i < 60; ++i) host.tick();
    CHECK(host.lent(0) + host.lent(1) == kGiB);
}

TEST_CASE("a guest that ran short is not asked again for what others lend in its place") {
    Host host;
    host.usable(1, 1600 * kMiB);
    host.reserve(5 * kGiB);
    host.tick();
    REQUIRE(host.lent(0) > 0);
    host.usable(0, kMiB);
    host.tick();
    CHECK(host.lent(0) == 0);
    host.usable(0, 1600 * kMiB);
    for (int i = 0; i < 200; ++i) host.tick();
    CHECK(host.lent(0) == 0);
    CHECK(host.lent(1) == kGiB);
}

TEST_CASE("release forgets what is borrowed, and no more is lent afterwards than before") {
    Host host;
    host.reserve(5 * kGiB);
    host.tick();
    const std::uint64_t were_lent[] = {host.lent(0), host.lent(1)};
    REQUIRE(host.bench.controller().release(""));
    for (const std::size_t row : {0U, 1U})
        host.bench.backend.table.usable_bytes[row] += were_lent[row];
    for (int i = 0; i < 10; ++i) host.tick();
    CHECK(host.lent(0) + host.lent(1) == kGiB);
}

TEST_CASE("reservations do not keep a backend from being evacuated") {
    Host host;
    host.reserve(5 * kGiB);
    host.tick();
    host.bench.controller().evacuate(true);
    for (int i = 0; i < 3; ++i) host.tick();
    CHECK(host.lent(0) + host.lent(1) == 0);
    host.bench.controller().evacuate(false);
    for (int i = 0; i < 3; ++i) host.tick();
    CHECK(host.lent(0) + host.lent(1) == kGiB);
}

TEST_CASE("policy ballast frees what is reserved, and gives it back when nobody waits any more") {
    Settings settings;
    settings.policy.name = "ballast";
    settings.cmm.min_mem_mb = 256;
    Host host(settings);
    host.bench.backend.host.total_bytes = 8 * kGiB;
    const auto id = host.reserve(5 * kGiB);
    CHECK_FALSE(host.tick_and_tell()[0].ready);
    for (int i = 0; i < 3; ++i) host.tick();  // until it trusts what the guests tell
    CHECK(host.lent(0) > 900 * kMiB);         // of what the idle one could use
    const auto snapshot = host.tick();
    CHECK(host.told()[0].ready);
    CHECK(snapshot->decisions[0].request_reason != RequestReason::untold);
    CHECK(host.bench.backend.table.usable_bytes[0] > 100 * kMiB);
    REQUIRE(host.bench.controller().cancel_reservation(id));
    for (int i = 0; i < 1000; ++i) host.tick();
    CHECK(host.lent(0) + host.lent(1) == 0);
}

TEST_CASE("more than the host has cannot be reserved") {
    Host host;
    host.bench.backend.host.total_bytes = 8 * kGiB;
    host.tick();
    host.reserve(6 * kGiB);
    const auto refused = host.bench.controller().reserve(3 * kGiB, "", 10min);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::refused);
    CHECK(refused.error().message().find("expected at most 2 GiB") != std::string::npos);
    CHECK(host.told().size() == 1);
}

TEST_CASE("what went back under policy ballast is not taken again when a domain is switched off") {
    Settings settings;
    settings.policy.name = "ballast";
    Host host(settings);
    host.bench.backend.host.total_bytes = 8 * kGiB;
    host.bench.backend.table.loaned_bytes[0] = kGiB;  // by somebody, before we came
    for (int i = 0; i < 1000; ++i) host.tick();
    REQUIRE(host.lent(0) == 0);
    const bool whole = GENERATE(true, false);
    if (whole)
        REQUIRE(host.bench.controller().release(""));
    else
        REQUIRE(host.bench.controller().disable("idle", true));
    for (int i = 0; i < 3; ++i) host.tick();
    CHECK(host.lent(0) == 0);
}

TEST_CASE("reservations end with the policy that lends for them") {
    Host host;
    host.reserve(5 * kGiB);
    host.tick();
    Settings follows_requests = host.bench.settings;
    follows_requests.policy.name = "cmm";
    host.bench.controller().reconfigure(follows_requests);
    CHECK(host.told().empty());
}

TEST_CASE("reservations that make no sense are refused") {
    Host host;
    Controller& controller = host.bench.controller();
    CHECK(controller.reserve(0, "", 1min).error().code == Errc::invalid_argument);
    CHECK(controller.reserve(UINT64_MAX, "", 1min).error().code == Errc::invalid_argument);
    CHECK(controller.reserve(1, "", 0s).error().code == Errc::invalid_argument);
    CHECK(controller.reserve(1, "", 25h).error().code == Errc::invalid_argument);
    for (std::size_t i = 0; i < Reservations::kMost; ++i) host.reserve(1);
    CHECK(controller.reserve(1, "", 1min).error().code == Errc::busy);

    Bench follows_requests;
    CHECK(follows_requests.controller().reserve(1, "", 1min).error().code == Errc::refused);
}
