// Books that go along when a domain migrates.
#include <catch2/catch.hpp>

#include "base/log.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;

namespace {

Settings as_it_comes() {
    Settings settings;
    settings.policy.name = "fixed";
    return settings;
}

// A host with a domain that lends 100 MiB, of which 30 were lent before.
struct Source {
    Source() : bench(fixed_settings(100 * 1024)) {
        bench.backend.add("g1", kGiB, 30 * kMiB);
        bench.tick();
    }
    std::optional<CarriedBooks> carried() const {
        return bench.backend.carried_books(key_from_name("g1"));
    }
    log::Redirect quiet{[](log::Level, std::string_view) {}};
    Bench bench;
};

struct Arrived {
    explicit Arrived(const std::optional<CarriedBooks>& carried) : bench(as_it_comes()) {
        bench.backend.capabilities_.asynchronous = true;
        bench.backend.capabilities_.reports_oom = false;
        bench.backend.add("other", kGiB);
        bench.tick();
        bench.backend.add("g1", kGiB, 100 * kMiB);
        if (carried) bench.backend.carried[key_from_name("g1")] = *carried;
        flags(DomainFlags::migrating | DomainFlags::paused | DomainFlags::starting);
        for (int i = 0; i < 3; ++i) bench.tick();
        flags(DomainFlags::carried_over);
        bench.tick();
    }
    void flags(DomainFlags state) { bench.backend.table.flags[1] = state; }
    std::string credit_kb() { return *bench.controller().get_attribute("g1", "oom_freed_kb"); }
    log::Redirect quiet{[](log::Level, std::string_view) {}};
    Bench bench;
};

}  // namespace

TEST_CASE("what is ours and the credit are kept with the domain while there is anything of it") {
    Source source;
    CHECK(source.carried() == CarriedBooks{30 * kMiB, 0});
    source.bench.send(EventKind::oom, "g1", 20 * kMiB);
    for (int i = 0; i < 11; ++i) source.bench.tick();
    CHECK(source.carried() == CarriedBooks{30 * kMiB, 20 * kMiB});
    REQUIRE(source.bench.controller().set_attribute("g1", "oom_freed_kb", "0"));
    REQUIRE(source.bench.controller().release("g1"));
    for (int i = 0; i < 11; ++i) source.bench.tick();
    CHECK_FALSE(source.carried());
}

TEST_CASE("nothing is kept with domains that we never moved") {
    Bench bench(as_it_comes());
    bench.backend.add("g1", kGiB, 30 * kMiB);
    for (int i = 0; i < 100; ++i) bench.tick();
    CHECK(bench.backend.kept_books == 0);
}

TEST_CASE("books that could not be kept are kept later, not at each tick") {
    Source source;
    source.bench.backend.loses_books = true;
    source.bench.backend.carried.clear();
    for (int i = 0; i < 181; ++i) source.bench.tick();
    CHECK(source.bench.backend.kept_books == 4);  // the first, and one a minute
    source.bench.backend.loses_books = false;
    for (int i = 0; i < 60; ++i) source.bench.tick();
    CHECK(source.carried() == CarriedBooks{30 * kMiB, 0});
}

TEST_CASE("nothing is kept with a domain on its way: its hypervisor would wait") {
    Source source;
    source.bench.backend.carried.clear();
    source.bench.send(EventKind::migration_began, "g1");
    for (int i = 0; i < 100; ++i) source.bench.tick();
    CHECK_FALSE(source.carried());
}

TEST_CASE("a domain that arrives goes on with what came along, and nothing moves") {
    Arrived arrived(CarriedBooks{30 * kMiB, 20 * kMiB});
    for (int i = 0; i < 10; ++i) arrived.bench.tick();
    CHECK(arrived.bench.backend.steps.empty());
    CHECK(arrived.credit_kb() == "20480");
    CHECK(arrived.bench.controller().lent_bytes() == 70 * kMiB);
}

TEST_CASE("without books of its own a domain that arrives keeps all of its balloon") {
    Arrived arrived(std::nullopt);
    CHECK(arrived.bench.backend.steps.empty());
    CHECK(arrived.credit_kb() == "0");
    CHECK(arrived.bench.controller().lent_bytes() == 0);
}

TEST_CASE("a balloon that was under way when the domain went is still ours when it comes to rest") {
    Arrived arrived(CarriedBooks{30 * kMiB, 0});
    arrived.bench.backend.table.loaned_bytes[1] = 180 * kMiB;
    for (int i = 0; i < 5; ++i) arrived.bench.tick();
    arrived.bench.backend.table.loaned_bytes[1] = 100 * kMiB;
    for (int i = 0; i < 5; ++i) arrived.bench.tick();
    CHECK(arrived.bench.controller().lent_bytes() == 70 * kMiB);
}

TEST_CASE("books that came along and cannot be true are as none") {
    Arrived arrived(GENERATE(CarriedBooks{5 * kGiB, 0}, CarriedBooks{0, UINT64_MAX}));
    for (int i = 0; i < 5; ++i) arrived.bench.tick();
    CHECK(arrived.bench.backend.steps.empty());
    CHECK(arrived.credit_kb() == "0");
    CHECK(arrived.bench.controller().lent_bytes() == 0);
}
