// The file that outlives a daemon: what is in it, and what becomes of one that is damaged.
#include "controller/book_store.h"

#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <mutex>

#include "base/log.h"
#include "tests/paths.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast;
using namespace ballast::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::string content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

const DomainKey kA = key_from_name("a");
const DomainKey kB = key_from_name("b");
const StoredBooks kBooks{1, 2, 3, 4, 5};

struct Folder {
    // The writer's thread logs as well.
    std::string logged() const {
        const std::lock_guard lock(mutex);
        return text;
    }
    mutable std::mutex mutex;
    std::string text;
    const log::Redirect quiet{[this](log::Level, std::string_view line) {
        const std::lock_guard lock(mutex);
        text += line;
    }};
    TempDir folder{TempDir::in_memory()};
    std::string path = folder.path("state/books.db");

    std::unique_ptr<BookStore> open() const {
        auto opened = BookStore::open(path);
        if (!opened) FAIL(opened.error().message());
        return std::move(*opened);
    }
    std::string refusal() const {
        const auto opened = BookStore::open(path);
        return opened ? "" : opened.error().message();
    }
    // Two domains, of which the second has settings of its own.
    void fill() const {
        const auto store = open();
        store->put(kA, {"a", kBooks, ""});
        store->put(kB, {"b", {10, 20, 30, 40, 50}, "disable=1"});
    }
    // As a process leaves them that is killed: a log that nobody has moved into the database.
    void fill_and_kill() const {
        Folder other;
        const auto store = other.open();
        store->put(kA, {"a", kBooks, ""});
        store->flush();
        fs::create_directories(fs::path(path).parent_path());
        for (const char* suffix : {"", "-wal"})
            if (fs::exists(other.path + suffix)) fs::copy_file(other.path + suffix, path + suffix);
    }
    std::string moved() const { return path + ".damaged-1"; }
};

}  // namespace

TEST_CASE("what was put is found again, the latest of each domain") {
    const Folder folder;
    {
        const auto store = folder.open();
        for (std::uint64_t i = 0; i < 100; ++i) store->put(kA, {"a", {i, i, i, kUnknownBytes}, {}});
        store->put(kB, {"b", {}, {}});
        store->erase(kB);
    }
    const auto found = folder.open()->take_found();
    REQUIRE(found.size() == 1);
    CHECK(found.at(kA).books == StoredBooks{99, 99, 99, kUnknownBytes});
    CHECK(found.at(kA).name == "a");
}

TEST_CASE("a number is durable once it is on disk, not when it was put") {
    const Folder folder;
    std::promise<void> disk_goes_on;
    auto waits = disk_goes_on.get_future().share();
    auto opened = BookStore::open(folder.path, [waits] { waits.wait(); });
    REQUIRE(opened);
    BookStore& store = **opened;
    const auto ticket = store.put(kA, {"a", kBooks, {}});
    CHECK(store.durable() < ticket);
    disk_goes_on.set_value();
    store.flush();
    CHECK(store.durable() >= ticket);
}

TEST_CASE("a process that is killed leaves what was durable, and no more") {
    const Folder folder;
    std::promise<void> disk_goes_on;
    auto waits = disk_goes_on.get_future().share();
    bool slow = false;
    {
        auto opened = BookStore::open(folder.path, [&] {
            if (slow) waits.wait();
        });
        REQUIRE(opened);
        (*opened)->put(kA, {"a", kBooks, {}});
        (*opened)->flush();
        slow = true;
        (*opened)->put(kB, {"b", kBooks, {}});
        (*opened)->abandon();
        disk_goes_on.set_value();
    }
    const auto found = folder.open()->take_found();
    CHECK(found.contains(kA));
    CHECK_FALSE(found.contains(kB));
}

TEST_CASE("a file that is not ours is refused, and why is said") {
    const Folder folder;
    {
        const auto store = folder.open();
        CHECK_THAT(folder.refusal(), Contains("another process keeps its state there"));
    }
    fs::remove(folder.path);
    {
        SQLite::Database database(folder.path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        database.exec("CREATE TABLE notes(text TEXT)");
    }
    CHECK_THAT(folder.refusal(), Contains("a database of another program"));
    fs::remove(folder.path);
    {
        SQLite::Database database(folder.path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
        database.exec(
            "PRAGMA application_id=1112293963; PRAGMA user_version=3; CREATE TABLE books(uuid)");
    }
    CHECK_THAT(folder.refusal(), Contains("version 3 of the state, expected at most 2"));
}

TEST_CASE("the file of the version before is read and becomes one of this version") {
    const Folder folder;
    fs::create_directories(fs::path(folder.path).parent_path());
    fs::copy_file(test_data() + "/state/version-1.db", folder.path);
    for (int time = 0; time < 2; ++time) {
        const auto store = folder.open();
        CHECK(store->damage().empty());
        const auto found = store->take_found();
        REQUIRE(found.size() == 2);
        CHECK(found.at(kA).books ==
              StoredBooks{104857600, 20971520, 314572800, 314572800, 1048576});
        CHECK(found.at(kB).books == StoredBooks{0, 0, 0, kUnknownBytes, 0});
        CHECK(found.at(kA).name == "a");
    }
    SQLite::Database database(folder.path);
    CHECK(database.execAndGet("PRAGMA user_version").getInt() == 2);
}

TEST_CASE("a damaged file is moved aside, and what is whole of it is kept") {
    const Folder folder;
    folder.fill();
    const std::string whole = folder.path.empty() ? "" : content_of(folder.path);
    std::string damaged = whole;
    SECTION("no database") {
        damaged = std::string(5000, 'x');
    }
    SECTION("truncated") {
        damaged.resize(5000);
    }
    SECTION("empty") {
        damaged.clear();
    }
    SECTION("a number of a row") {
        // The settings of the second: text is found easily.
        damaged[damaged.find("disable=1")] = 'D';
    }
    SECTION("a column's name") {
        damaged[damaged.find("oom_freed")] = 'u';
    }
    SECTION("the header says that it is another program's") {
        damaged[70] = 'x';
    }
    write_file(folder.path, damaged);
    const auto store = folder.open();
    CHECK_THAT(store->damage(), Contains("moved to " + folder.moved()));
    if (!damaged.empty()) CHECK(content_of(folder.moved()) == damaged);
    CHECK_THAT(folder.logged(), Contains("the state is damaged"));
    CHECK(store->write_error().empty());
    for (const auto& [key, row] : store->take_found())
        CHECK(row.books == (key == kA ? kBooks : StoredBooks{10, 20, 30, 40, 50}));
}

TEST_CASE("one row that is damaged takes no other along") {
    const Folder folder;
    folder.fill();
    std::string damaged = content_of(folder.path);
    damaged[damaged.find("disable=1")] = 'D';
    write_file(folder.path, damaged);
    const auto found = folder.open()->take_found();
    REQUIRE(found.size() == 1);
    CHECK(found.at(kA).books == kBooks);
    CHECK(folder.open()->damage().empty());  // the new file is whole
}

TEST_CASE("no flipped byte changes a row without a word") {
    const Folder folder;
    folder.fill();
    const std::string whole = content_of(folder.path);
    std::size_t seen = 0;
    for (std::size_t at = 0; at < whole.size(); at += 29) {
        std::string flipped = whole;
        flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1U << (at % 8)));
        write_file(folder.path, flipped);
        fs::remove(folder.path + "-wal");
        auto opened = BookStore::open(folder.path);
        if (!opened) FAIL("byte " << at << ": " << opened.error().message());
        const bool is_reported = !(*opened)->damage().empty();
        const auto found = (*opened)->take_found();
        INFO("byte " << at);
        if (!is_reported) {
            CHECK(found.size() == 2);
        } else {
            ++seen;
        }
        for (const auto& [key, row] : found)
            CHECK(row.books == (key == kA ? kBooks : StoredBooks{10, 20, 30, 40, 50}));
        opened->reset();
        for (int number = 1; fs::remove(folder.path + ".damaged-" + std::to_string(number));
             ++number) {
        }
    }
    CHECK(seen > 0);
}

TEST_CASE("no flipped byte of the log goes unnoticed where it hides a row") {
    Folder folder;
    folder.fill_and_kill();
    const std::string database = content_of(folder.path);
    const std::string log = content_of(folder.path + "-wal");
    if (log.empty()) return;  // it was moved into the database in time
    for (std::size_t at = 0; at < log.size(); at += 29) {
        std::string flipped = log;
        flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1U << (at % 8)));
        write_file(folder.path, database);
        write_file(folder.path + "-wal", flipped);
        const auto store = folder.open();
        INFO("byte " << at);
        CHECK_FALSE(store->damage().empty());
        CHECK(content_of(folder.moved() + "-wal") == flipped);
        for (int number = 1; fs::remove(folder.path + ".damaged-" + std::to_string(number));
             ++number)
            fs::remove(folder.path + ".damaged-" + std::to_string(number) + "-wal");
    }
}

TEST_CASE("a file that cannot be written is reported, and written once it can be") {
    const Folder folder;
    const fs::path place = fs::path(folder.path).parent_path();
    write_file(place, "no folder");
    const auto store = folder.open();
    CHECK_THAT(store->write_error(), Contains("unable to open"));
    CHECK_THAT(folder.logged(), Contains("the state cannot be written"));
    const auto ticket = store->put(kA, {"a", kBooks, {}});
    store->flush();
    CHECK(store->durable() < ticket);
}

TEST_CASE("a file that is removed while it is used is written anew, with all rows") {
    const Folder folder;
    {
        const auto store = folder.open();
        store->put(kA, {"a", kBooks, {}});
        store->flush();
        fs::remove(folder.path);
        store->put(kB, {"b", kBooks, {}});
        store->flush();
        CHECK(store->write_error().empty());
        CHECK_THAT(folder.logged(), Contains("somebody has removed or replaced it"));
    }
    CHECK(folder.open()->take_found().size() == 2);
}
