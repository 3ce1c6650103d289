// Books that outlive a daemon, and domains that come back.
#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "controller/book_keeper.h"
#include "fake_backend.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast;
using namespace ballast::test;
using Catch::Matchers::Contains;

namespace {

// One daemon after the other on the same host, whose balloons stay as they are.
struct Host {
    TempDir folder;
    std::string path = folder.path("state/books.db");
    VirtualClock wall{Time{}, WallTime(std::chrono::hours(24 * 365))};

    std::unique_ptr<BookStore> store() const {
        auto opened = BookStore::open(path, wall);
        if (!opened) FAIL(opened.error().message());
        return std::move(*opened);
    }
    std::string refusal() const {
        const auto opened = BookStore::open(path, wall);
        return opened ? "" : opened.error().message();
    }
};

// Each domain keeps what it lends.
Settings as_it_comes() {
    Settings settings;
    settings.policy.name = "fixed";
    return settings;
}

struct Daemon {
    explicit Daemon(const Host& host, const Settings& settings = as_it_comes())
        : store(host.store()), keeper(*store, host.wall), bench(settings) {
        bench.backend.capabilities_.reports_oom = true;
        bench.controller().set_books(keeper);
    }
    std::string attribute(const char* name) {
        return *bench.controller().get_attribute("g1", name);
    }
    std::unique_ptr<BookStore> store;
    BookKeeper keeper;
    Bench bench;
};

}  // namespace

TEST_CASE("the next daemon knows what was lent by us, and the credit, and moves nothing") {
    const Host host;
    {
        Daemon first(host, fixed_settings(256 * 1024));
        first.bench.backend.add("g1", kGiB);
        first.bench.tick();
        first.bench.send(EventKind::oom, "g1", 64 * kMiB);
        first.bench.tick();
        REQUIRE(first.attribute("oom_freed_kb") == "65536");
    }
    Daemon second(host);
    second.bench.backend.add("g1", kGiB);
    second.bench.backend.table.loaned_bytes[0] = 192 * kMiB;
    second.bench.tick();
    CHECK(second.bench.backend.steps.empty());
    CHECK(second.attribute("oom_freed_kb") == "65536");
    CHECK(second.attribute("loaned_kb") == "196608");
    // All of it is ours to give back; without the books it would stay lent.
    CHECK(second.bench.controller().lent_bytes() == 192 * kMiB);
    Bench without(as_it_comes());
    without.backend.add("g1", kGiB);
    without.backend.table.loaned_bytes[0] = 192 * kMiB;
    without.tick();
    CHECK(without.controller().lent_bytes() == 0);
}

TEST_CASE("a domain that is restored goes on with its books, one that starts anew without") {
    const bool restored = GENERATE(true, false);
    const Host host;
    Daemon daemon(host);
    FakeBackend& backend = daemon.bench.backend;
    backend.add("g1", kGiB);
    backend.add("other", kGiB);
    daemon.bench.tick();
    daemon.bench.send(EventKind::oom, "g1", 64 * kMiB);
    daemon.bench.tick();
    backend.table.remove_row(0);
    ++backend.table.membership;
    daemon.bench.tick();
    backend.add("g1", kGiB);
    backend.table.loaned_bytes[1] = 128 * kMiB;
    // Nobody can tell which it is while its memory is read.
    const int ticks_before = GENERATE(0, 3);
    backend.table.flags[1] = DomainFlags::starting | DomainFlags::paused;
    for (int i = 0; i < ticks_before; ++i) daemon.bench.tick();
    backend.table.flags[1] = restored ? DomainFlags::carried_over : DomainFlags::none;
    daemon.bench.tick();
    CHECK(daemon.attribute("oom_freed_kb") == (restored ? "65536" : "0"));
    CHECK(daemon.bench.controller().lent_bytes() == (restored ? 128 * kMiB : 0));
}

// What goes with the domain is written every few seconds.
TEST_CASE("a restored domain's credit is what was kept here, unless another host told it more") {
    const bool elsewhere = GENERATE(false, true);
    const Host host;
    Daemon daemon(host);
    FakeBackend& backend = daemon.bench.backend;
    backend.add("g1", kGiB);
    backend.add("other", kGiB);
    daemon.bench.tick();
    daemon.bench.send(EventKind::oom, "g1", 64 * kMiB);
    daemon.bench.tick();
    const DomainKey key = key_from_name("g1");
    REQUIRE(backend.carried_books(key) == CarriedBooks{0, 64 * kMiB});
    daemon.bench.send(EventKind::oom, "g1", 32 * kMiB);
    daemon.bench.tick();
    REQUIRE(daemon.attribute("oom_freed_kb") == "98304");
    REQUIRE(backend.carried_books(key) == CarriedBooks{0, 64 * kMiB});
    backend.table.remove_row(0);
    ++backend.table.membership;
    daemon.bench.tick();
    if (elsewhere) backend.carried[key] = CarriedBooks{0, 16 * kMiB};
    backend.add("g1", kGiB);
    backend.table.flags[1] = DomainFlags::carried_over;
    daemon.bench.tick();
    CHECK(daemon.attribute("oom_freed_kb") == (elsewhere ? "16384" : "98304"));
}

TEST_CASE("books of a domain that is not there when the daemon starts are not for its next run") {
    const Host host;
    {
        Daemon first(host);
        first.bench.backend.add("g1", kGiB);
        first.bench.tick();
        first.bench.send(EventKind::oom, "g1", 64 * kMiB);
        first.bench.tick();
    }
    Daemon second(host);
    second.bench.backend.add("other", kGiB);
    second.bench.tick();
    second.bench.backend.add("g1", kGiB);
    second.bench.tick();
    CHECK(second.attribute("oom_freed_kb") == "0");
}

TEST_CASE("what was put is found again, the latest of each domain") {
    const Host host;
    {
        const auto store = host.store();
        for (std::uint64_t i = 0; i < 100; ++i)
            store->put(key_from_name("a"), "a", {i, i, i, kUnknownBytes});
        store->put(key_from_name("b"), "b", {});
        store->erase(key_from_name("b"));
    }
    const auto store = host.store();
    REQUIRE(store->found().size() == 1);
    CHECK(store->found().at(key_from_name("a")) == StoredBooks{99, 99, 99, kUnknownBytes});
}

TEST_CASE("books that nobody has written for a month are forgotten") {
    Host host;
    host.store()->put(key_from_name("a"), "a", {});
    host.wall.advance(std::chrono::hours(24 * 29));
    CHECK(host.store()->found().size() == 1);
    host.wall.advance(std::chrono::hours(24 * 2));
    CHECK(host.store()->found().empty());
}

TEST_CASE("a file that cannot hold books is refused, and why is told") {
    const Host host;
    {
        const auto store = host.store();
        CHECK_THAT(host.refusal(), Contains("another process keeps its books there"));
    }
    {
        SQLite::Database database(host.path, SQLite::OPEN_READWRITE);
        database.exec("PRAGMA user_version=2");
    }
    CHECK_THAT(host.refusal(), Contains("version 2 of the state, expected 1"));
    std::ofstream(host.path, std::ios::trunc) << std::string(5000, 'x');
    std::filesystem::remove(host.path + "-wal");
    CHECK_THAT(host.refusal(), Contains("no state of ballastd, or a damaged one"));
    std::filesystem::remove(host.path);
    {
        SQLite::Database database(host.path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        database.exec("CREATE TABLE notes(text TEXT)");
    }
    CHECK_THAT(host.refusal(), Contains("a database of another program"));
    CHECK_THAT(BookStore::open("/proc/no/books.db", host.wall).error().message(),
               Contains("/proc/no/books.db: unable to open"));
}

TEST_CASE("stored figures that cannot be are not believed") {
    const auto adopt_after = [](const std::string& column, const std::string& value) {
        const Host host;
        {
            Daemon first(host, fixed_settings(256 * 1024));
            first.bench.backend.add("g1", kGiB);
            first.bench.tick();
        }
        {
            SQLite::Database database(host.path, SQLite::OPEN_READWRITE);
            REQUIRE(database.exec("UPDATE books SET " + column + " = " + value) == 1);
        }
        Daemon second(host);
        second.bench.backend.add("g1", kGiB);
        second.bench.backend.table.loaned_bytes[0] = 256 * kMiB;
        second.bench.tick();
        CHECK(second.bench.controller().give_everything_back());
        return std::pair(second.attribute("oom_freed_kb"), second.attribute("loaned_kb"));
    };
    using Outcome = std::pair<std::string, std::string>;
    CHECK(adopt_after("loaned", "268435456") == Outcome{"0", "0"});  // as it was
    // No original size is known then: the domain keeps what it has.
    CHECK(adopt_after("original_loaned", "-1") == Outcome{"0", "262144"});
    CHECK(adopt_after("original_loaned", "1073741825") == Outcome{"0", "262144"});
    // The rest does not make the original size worthless.
    CHECK(adopt_after("oom_freed", "-1") == Outcome{"1048576", "0"});
    CHECK(adopt_after("borrowed", "-1") == Outcome{"0", "0"});
    CHECK(adopt_after("loaned", "-1") == Outcome{"0", "0"});
    CHECK(adopt_after("set_to", "9223372036854775807") == Outcome{"0", "0"});
}
