// Books that outlive a daemon, and domains that come back.
#include <catch2/catch.hpp>

#include "controller/book_keeper.h"
#include "fake_backend.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// One daemon after the other on the same host, whose balloons stay as they are.
struct Host {
    TempDir folder{TempDir::in_memory()};
    std::string path = folder.path("state/books.db");

    std::unique_ptr<BookStore> store() const {
        auto opened = BookStore::open(path);
        if (!opened) FAIL(opened.error().message());
        return std::move(*opened);
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
        : store(host.store()), keeper(*store), bench(settings) {
        bench.backend.capabilities_.reports_oom = true;
        bench.controller().set_books(keeper);
    }
    // A tick, and what it put is on disk.
    void tick() {
        bench.tick();
        store->flush();
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
        first.tick();
        first.bench.send(EventKind::oom, "g1", 64 * kMiB);
        first.tick();
        REQUIRE(first.attribute("oom_freed_kb") == "65536");
    }
    Daemon second(host);
    second.bench.backend.add("g1", kGiB);
    second.bench.backend.table.loaned_bytes[0] = 192 * kMiB;
    second.tick();
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
    daemon.tick();
    daemon.bench.send(EventKind::oom, "g1", 64 * kMiB);
    daemon.tick();
    backend.table.remove_row(0);
    ++backend.table.membership;
    daemon.tick();
    backend.add("g1", kGiB);
    backend.table.loaned_bytes[1] = 128 * kMiB;
    // Nobody can tell which it is while its memory is read.
    const int ticks_before = GENERATE(0, 3);
    backend.table.flags[1] = DomainFlags::starting | DomainFlags::paused;
    for (int i = 0; i < ticks_before; ++i) daemon.tick();
    backend.table.flags[1] = restored ? DomainFlags::carried_over : DomainFlags::none;
    daemon.tick();
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
    daemon.tick();
    daemon.bench.send(EventKind::oom, "g1", 64 * kMiB);
    daemon.tick();
    const DomainKey key = key_from_name("g1");
    REQUIRE(backend.carried_books(key) == CarriedBooks{0, 64 * kMiB});
    daemon.bench.send(EventKind::oom, "g1", 32 * kMiB);
    daemon.tick();
    REQUIRE(daemon.attribute("oom_freed_kb") == "98304");
    REQUIRE(backend.carried_books(key) == CarriedBooks{0, 64 * kMiB});
    backend.table.remove_row(0);
    ++backend.table.membership;
    daemon.tick();
    if (elsewhere) backend.carried[key] = CarriedBooks{0, 16 * kMiB};
    backend.add("g1", kGiB);
    backend.table.flags[1] = DomainFlags::carried_over;
    daemon.tick();
    CHECK(daemon.attribute("oom_freed_kb") == (elsewhere ? "16384" : "98304"));
}

TEST_CASE("books of a domain that is not there when the daemon starts are not for its next run") {
    const Host host;
    {
        Daemon first(host);
        first.bench.backend.add("g1", kGiB);
        first.tick();
        first.bench.send(EventKind::oom, "g1", 64 * kMiB);
        first.tick();
    }
    Daemon second(host);
    second.bench.backend.add("other", kGiB);
    second.tick();
    second.bench.backend.add("g1", kGiB);
    second.tick();
    CHECK(second.attribute("oom_freed_kb") == "0");
}

TEST_CASE("stored figures that cannot be are not believed") {
    const auto adopt_after = [](const auto& change) {
        const Host host;
        {
            Daemon first(host, fixed_settings(256 * 1024));
            first.bench.backend.add("g1", kGiB);
            first.tick();
            first.tick();
        }
        {
            const auto store = host.store();
            StoredDomain row = store->take_found().at(key_from_name("g1"));
            change(row.books);
            store->put(key_from_name("g1"), row);
        }
        Daemon second(host);
        second.bench.backend.add("g1", kGiB);
        second.bench.backend.table.loaned_bytes[0] = 256 * kMiB;
        second.tick();
        CHECK(second.bench.controller().give_everything_back());
        return std::pair(second.attribute("oom_freed_kb"), second.attribute("loaned_kb"));
    };
    using Outcome = std::pair<std::string, std::string>;
    constexpr std::uint64_t kAbsurd = UINT64_MAX - 1;
    // No original size is known then: the domain keeps what it has.
    const Outcome kept{"0", "262144"};
    CHECK(adopt_after([](StoredBooks& books) { books.original_loaned_bytes = kAbsurd; }) == kept);
    CHECK(adopt_after([](StoredBooks& books) { books.original_loaned_bytes = kGiB + 1; }) == kept);
    // The rest does not make the original size worthless.
    CHECK(adopt_after([](StoredBooks& books) { books.oom_freed_bytes = kAbsurd; }) ==
          Outcome{"1048576", "0"});
    const Outcome as_it_was{"0", "0"};
    CHECK(adopt_after([](StoredBooks& books) { books.loaned_bytes = 256 * kMiB; }) == as_it_was);
    CHECK(adopt_after([](StoredBooks& books) { books.borrowed_bytes = kAbsurd; }) == as_it_was);
    CHECK(adopt_after([](StoredBooks& books) { books.loaned_bytes = kAbsurd; }) == as_it_was);
    CHECK(adopt_after([](StoredBooks& books) { books.set_bytes = kAbsurd; }) == as_it_was);
}
