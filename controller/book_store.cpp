#include "controller/book_store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <system_error>

#include "base/log.h"

namespace ballast {
namespace {

constexpr int application_id = 0x424c424b;  // "BLBK"
constexpr int version = 1;
constexpr std::int64_t kept_for_s = std::int64_t{30} * 24 * 3600;
// What could not be written is tried again so much later.
constexpr std::chrono::seconds retry_every{5};

constexpr int sqlite_busy = 5;
constexpr int sqlite_locked = 6;
constexpr int sqlite_corrupt = 11;
constexpr int sqlite_notadb = 26;

Failure failure_of(const std::string& path, const SQLite::Exception& error) {
    const int code = error.getErrorCode();
    if (code == sqlite_busy || code == sqlite_locked)
        return fail(Errc::busy, path + ": another process keeps its books there");
    if (code == sqlite_corrupt || code == sqlite_notadb)
        return fail(Errc::bad_data, fmt::format("{}: no state of ballastd, or a damaged one: {}",
                                                path, error.what()));
    return fail(Errc::io, fmt::format("{}: {}", path, error.what()));
}

std::int64_t seconds(WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

// SQLite has no unsigned integers; the bits stay.
std::int64_t bits(std::uint64_t bytes) {
    return static_cast<std::int64_t>(bytes);
}
std::uint64_t from_bits(std::int64_t number) {
    return static_cast<std::uint64_t>(number);
}

}  // namespace

struct BookStore::Database {
    explicit Database(const std::string& file)
        : path(file), connection(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE) {}

    Result<void> prepare();
    void read(std::unordered_map<DomainKey, StoredBooks>& into, std::int64_t oldest_s);
    void write(const Changes& changes);

    std::string path;
    SQLite::Database connection;
};

Result<void> BookStore::Database::prepare() {
    // Nobody else reads it while it is ours.
    connection.exec(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
        "PRAGMA synchronous=NORMAL; BEGIN EXCLUSIVE; COMMIT;");
    const int found_id = connection.execAndGet("PRAGMA application_id").getInt();
    const int found_version = connection.execAndGet("PRAGMA user_version").getInt();
    const bool empty = connection.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
    if (!empty && found_id != application_id)
        return fail(Errc::bad_data, path + ": a database of another program");
    if (!empty && found_version != version)
        return fail(Errc::bad_data, fmt::format("{}: version {} of the state, expected {}", path,
                                                found_version, version));
    connection.exec(
        fmt::format("PRAGMA application_id={}; PRAGMA user_version={};"
                    "CREATE TABLE IF NOT EXISTS books(uuid BLOB PRIMARY KEY, name TEXT NOT NULL,"
                    " original_loaned INTEGER NOT NULL, oom_freed INTEGER NOT NULL,"
                    " loaned INTEGER NOT NULL, set_to INTEGER NOT NULL, written INTEGER NOT NULL,"
                    " borrowed INTEGER NOT NULL)"
                    " WITHOUT ROWID",
                    application_id, version));
    return {};
}

void BookStore::Database::read(std::unordered_map<DomainKey, StoredBooks>& into,
                               std::int64_t oldest_s) {
    SQLite::Statement forget(connection, "DELETE FROM books WHERE written < ?");
    forget.bind(1, oldest_s);
    forget.exec();
    SQLite::Statement rows(connection,
                           "SELECT uuid, original_loaned, oom_freed, loaned, set_to, borrowed "
                           "FROM books");
    while (rows.executeStep()) {
        DomainKey key;
        const SQLite::Column uuid = rows.getColumn(0);
        if (uuid.getBytes() != static_cast<int>(key.uuid.size())) continue;
        std::memcpy(key.uuid.data(), uuid.getBlob(), key.uuid.size());
        into[key] = {
            from_bits(rows.getColumn(1).getInt64()), from_bits(rows.getColumn(2).getInt64()),
            from_bits(rows.getColumn(3).getInt64()), from_bits(rows.getColumn(4).getInt64()),
            from_bits(rows.getColumn(5).getInt64())};
    }
}

void BookStore::Database::write(const Changes& changes) {
    SQLite::Transaction transaction(connection);
    SQLite::Statement put(connection, "INSERT OR REPLACE INTO books VALUES(?,?,?,?,?,?,?,?)");
    SQLite::Statement erase(connection, "DELETE FROM books WHERE uuid = ?");
    for (const auto& [key, change] : changes) {
        SQLite::Statement& statement = change.erased ? erase : put;
        statement.bind(1, key.uuid.data(), static_cast<int>(key.uuid.size()));
        if (!change.erased) {
            put.bind(2, change.name);
            put.bind(3, bits(change.books.original_loaned_bytes));
            put.bind(4, bits(change.books.oom_freed_bytes));
            put.bind(5, bits(change.books.loaned_bytes));
            put.bind(6, bits(change.books.set_bytes));
            put.bind(7, change.written_s);
            put.bind(8, bits(change.books.borrowed_bytes));
        }
        statement.exec();
        statement.reset();
    }
    transaction.commit();
}

Result<std::unique_ptr<BookStore>> BookStore::open(const std::string& path, const Clock& clock) {
    std::error_code ignored;  // what cannot be made is told when it is opened
    const auto folder = std::filesystem::path(path).parent_path();
    if (std::filesystem::create_directories(folder, ignored))
        std::filesystem::permissions(folder, std::filesystem::perms::owner_all, ignored);
    try {
        auto database = std::make_unique<Database>(path);
        if (auto prepared = database->prepare(); !prepared) return Failure(prepared.error());
        return std::unique_ptr<BookStore>(new BookStore(std::move(database), clock));
    } catch (const SQLite::Exception& error) {
        return failure_of(path, error);
    } catch (const std::system_error& error) {
        return fail(Errc::io, fmt::format("{}: no thread to write it: {}", path, error.what()));
    }
}

BookStore::BookStore(std::unique_ptr<Database> database, const Clock& clock)
    : clock_(clock), database_(std::move(database)) {
    database_->read(found_, seconds(clock.wall_now()) - kept_for_s);
    thread_ = std::thread([this] { run(); });
}

BookStore::~BookStore() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void BookStore::put(const DomainKey& domain, const std::string& name, const StoredBooks& books) {
    {
        const std::lock_guard lock(mutex_);
        waiting_[domain] = {name, books, false, seconds(clock_.wall_now())};
    }
    changed_.notify_all();
}

void BookStore::erase(const DomainKey& domain) {
    {
        const std::lock_guard lock(mutex_);
        waiting_[domain] = {.name = {}, .books = {}, .erased = true, .written_s = 0};
    }
    changed_.notify_all();
}

void BookStore::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
        if (waiting_.empty()) return;
        auto changes = std::move(waiting_);
        waiting_.clear();
        lock.unlock();
        std::string problem;
        try {
            database_->write(changes);
        } catch (const SQLite::Exception& error) {
            problem = error.what();
        }
        lock.lock();
        if (problem.empty()) continue;
        log::error("{}: the books cannot be written: {}", database_->path, problem);
        if (ending_) return;
        // What is newer stays.
        for (auto& [key, change] : changes) waiting_.try_emplace(key, std::move(change));
        changed_.wait_for(lock, retry_every, [this] { return ending_; });
    }
}

}  // namespace ballast
