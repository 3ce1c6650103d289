#include "controller/book_file.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/fnv1a.h"
#include "controller/wal_file.h"

namespace ballast {
namespace {

namespace fs = std::filesystem;

constexpr int application_id = 0x424c424b;  // "BLBK"
constexpr int version = 2;

constexpr int sqlite_busy = 5;
constexpr int sqlite_locked = 6;
constexpr int sqlite_corrupt = 11;
constexpr int sqlite_notadb = 26;

constexpr std::string_view kLog = "-wal";

bool is_damage(const SQLite::Exception& error) noexcept {
    return error.getErrorCode() == sqlite_corrupt || error.getErrorCode() == sqlite_notadb;
}

// SQLite has no unsigned integers; the bits stay.
std::int64_t bits(std::uint64_t bytes) {
    return static_cast<std::int64_t>(bytes);
}
std::uint64_t from_bits(std::int64_t number) {
    return static_cast<std::uint64_t>(number);
}

std::uint64_t checksum(const DomainKey& key, const StoredDomain& row) {
    const auto raw = [](const auto& value) {
        return std::string_view(reinterpret_cast<const char*>(&value), sizeof value);
    };
    std::uint64_t sum = fnv1a(raw(key.uuid));
    for (const std::uint64_t number :
         {row.books.original_loaned_bytes, row.books.oom_freed_bytes, row.books.loaned_bytes,
          row.books.set_bytes, row.books.borrowed_bytes, std::uint64_t{row.name.size()}})
        sum = fnv1a(raw(number), sum);
    return fnv1a(row.settings, fnv1a(row.name, sum));
}

// Which layout its table has: 0 = none of ours.
int layout(SQLite::Database& database) {
    std::set<std::string> columns;
    SQLite::Statement list(database, "SELECT name FROM pragma_table_info('books')");
    while (list.executeStep()) columns.insert(list.getColumn(0).getString());
    const std::set<std::string> common{"uuid",   "name",   "original_loaned", "oom_freed",
                                       "loaned", "set_to", "borrowed"};
    auto first = common;
    first.insert("written");
    auto second = common;
    second.insert({"settings", "checksum"});
    return columns == first ? 1 : columns == second ? 2 : 0;
}

struct Contents {
    bool is_new = false;
    int layout = version;
    StoredDomains rows;
    std::string damage;
};

void read_rows(SQLite::Database& database, Contents& into) {
    const bool is_checked = into.layout == version;
    SQLite::Statement rows(
        database,
        fmt::format("SELECT uuid, name, original_loaned, oom_freed, loaned, set_to, borrowed{} "
                    "FROM books",
                    is_checked ? ", settings, checksum" : ""));
    std::size_t bad = 0;
    while (rows.executeStep()) {
        DomainKey key;
        StoredDomain row;
        const SQLite::Column uuid = rows.getColumn(0);
        if (uuid.getBytes() != static_cast<int>(key.uuid.size())) {
            ++bad;
            continue;
        }
        std::memcpy(key.uuid.data(), uuid.getBlob(), key.uuid.size());
        row.name = rows.getColumn(1).getString();
        row.books = {
            from_bits(rows.getColumn(2).getInt64()), from_bits(rows.getColumn(3).getInt64()),
            from_bits(rows.getColumn(4).getInt64()), from_bits(rows.getColumn(5).getInt64()),
            from_bits(rows.getColumn(6).getInt64())};
        if (is_checked) row.settings = rows.getColumn(7).getString();
        if (is_checked && from_bits(rows.getColumn(8).getInt64()) != checksum(key, row)) {
            ++bad;
            continue;
        }
        into.rows.insert_or_assign(key, std::move(row));
    }
    if (bad > 0) into.damage = fmt::format("{} of its rows are damaged", bad);
}

std::string integrity_problem(SQLite::Database& database) {
    try {
        SQLite::Statement check(database, "PRAGMA integrity_check(1)");
        const std::string verdict =
            check.executeStep() ? check.getColumn(0).getString() : std::string("no answer");
        return verdict == "ok" ? std::string() : verdict.substr(0, verdict.find('\n'));
    } catch (const SQLite::Exception& error) {
        if (!is_damage(error)) throw;
        return error.what();
    }
}

// Errors: bad_data (not for us to touch).
Result<Contents> examine(SQLite::Database& database, const std::string& path) {
    Contents found;
    found.is_new = database.execAndGet("SELECT count(*) FROM sqlite_master").getInt() == 0;
    const int found_id = database.execAndGet("PRAGMA application_id").getInt();
    const int found_version = database.execAndGet("PRAGMA user_version").getInt();
    if (found.is_new && found_id == 0) return found;
    found.layout = found.is_new ? 0 : layout(database);
    if (found.layout == 0) {
        if (found_id != application_id)
            return fail(Errc::bad_data, path + ": a database of another program");
        if (found_version > version)
            return fail(Errc::bad_data,
                        fmt::format("{}: version {} of the state, expected at most {}", path,
                                    found_version, version));
        found.damage = "its table is damaged";
        return found;
    }
    found.damage = integrity_problem(database);
    try {
        read_rows(database, found);
    } catch (const SQLite::Exception& error) {
        if (!is_damage(error)) throw;
        found.damage = error.what();  // what was read until then is whole
    }
    if (found_id != application_id || found_version != found.layout)
        found.damage = "its header is damaged";
    return found;
}

// Nobody else opens it while it is ours. Every commit is on disk before it returns.
void take(SQLite::Database& database) {
    database.exec(
        "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "PRAGMA wal_autocheckpoint=0; BEGIN EXCLUSIVE; COMMIT;");
}

// The files at `path` get names that nothing else has. Answers the first one's.
Result<std::string> move_aside(const std::string& path) {
    std::error_code error;
    for (unsigned number = 1;; ++number) {
        const std::string free = fmt::format("{}.damaged-{}", path, number);
        if (fs::exists(free, error) || fs::exists(free + std::string(kLog), error)) continue;
        // The log first: without the database it would be taken for that of the next one.
        for (const std::string_view suffix : {kLog, std::string_view()}) {
            const std::string from = path + std::string(suffix);
            if (!fs::exists(from, error)) continue;
            fs::rename(from, free + std::string(suffix), error);
            if (error)
                return fail(Errc::io,
                            fmt::format("cannot move {} aside: {}", from, error.message()));
        }
        return free;
    }
}

// What can be read of a file that cannot be written, from a copy of it.
std::optional<Contents> read_copy(const std::string& path) {
    std::error_code error;
    std::string folder = (fs::temp_directory_path(error) / "ballast-state-XXXXXX").string();
    if (error || ::mkdtemp(folder.data()) == nullptr) return std::nullopt;
    std::optional<Contents> contents;
    const std::string copy = folder + "/copy.db";
    fs::copy_file(path, copy, error);
    if (!error) {
        const std::string log = path + std::string(kLog);
        if (fs::exists(log, error)) fs::copy_file(log, copy + std::string(kLog), error);
        try {
            SQLite::Database database(copy, SQLite::OPEN_READWRITE);
            take(database);
            if (auto found = examine(database, path)) contents = std::move(*found);
        } catch (const SQLite::Exception&) {
            // As if there were none.
        }
    }
    fs::remove_all(folder, error);
    return contents;
}

bool is_empty_file(const std::string& path) {
    std::error_code error;
    return fs::exists(path, error) && fs::file_size(path, error) == 0;
}

}  // namespace

struct BookFile::Database {
    explicit Database(const std::string& file)
        : path(file), connection(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE) {
        take(connection);
    }
    // Throws SQLite::Exception.
    void lay_out() {
        connection.exec(
            fmt::format("PRAGMA application_id={}; PRAGMA user_version={};"
                        "DROP TABLE IF EXISTS books;"
                        "CREATE TABLE books(uuid BLOB PRIMARY KEY, name TEXT NOT NULL,"
                        " original_loaned INTEGER NOT NULL, oom_freed INTEGER NOT NULL,"
                        " loaned INTEGER NOT NULL, set_to INTEGER NOT NULL,"
                        " borrowed INTEGER NOT NULL, settings TEXT NOT NULL,"
                        " checksum INTEGER NOT NULL) WITHOUT ROWID",
                        application_id, version));
    }
    void put(SQLite::Statement& statement, const DomainKey& key, const StoredDomain& row) {
        statement.bind(1, key.uuid.data(), static_cast<int>(key.uuid.size()));
        statement.bind(2, row.name);
        statement.bind(3, bits(row.books.original_loaned_bytes));
        statement.bind(4, bits(row.books.oom_freed_bytes));
        statement.bind(5, bits(row.books.loaned_bytes));
        statement.bind(6, bits(row.books.set_bytes));
        statement.bind(7, bits(row.books.borrowed_bytes));
        statement.bind(8, row.settings);
        statement.bind(9, bits(checksum(key, row)));
        statement.exec();
        statement.reset();
    }
    SQLite::Statement statement_to_put() {
        return {connection, "INSERT OR REPLACE INTO books VALUES(?,?,?,?,?,?,?,?,?)"};
    }

    std::string path;
    SQLite::Database connection;
};

BookFile::BookFile(std::unique_ptr<Database> database) noexcept : database_(std::move(database)) {
    struct stat entry {};
    if (::stat(database_->path.c_str(), &entry) != 0) return;
    device_ = entry.st_dev;
    inode_ = entry.st_ino;
}

BookFile::~BookFile() = default;

bool BookFile::is_in_place() const noexcept {
    struct stat entry {};
    return ::stat(database_->path.c_str(), &entry) == 0 && entry.st_dev == device_ &&
           entry.st_ino == inode_;
}

// Throws SQLite::Exception.
std::unique_ptr<BookFile> BookFile::make(const std::string& path, const StoredDomains& rows) {
    auto database = std::make_unique<Database>(path);
    SQLite::Transaction transaction(database->connection);
    database->lay_out();
    SQLite::Statement put = database->statement_to_put();
    for (const auto& [key, row] : rows) database->put(put, key, row);
    transaction.commit();
    return std::unique_ptr<BookFile>(new BookFile(std::move(database)));
}

Result<BookFile::Opened> BookFile::open(const std::string& path) {
    std::error_code ignored;  // what cannot be made is reported when it is opened
    const auto folder = fs::path(path).parent_path();
    if (fs::create_directories(folder, ignored))
        fs::permissions(folder, fs::perms::owner_all, ignored);
    Opened out;
    if (is_empty_file(path)) out.damage = "it is empty";
    std::unique_ptr<Database> database;
    try {
        database = std::make_unique<Database>(path);
        if (out.damage.empty()) out.damage = wal_damage(path + std::string(kLog));
        auto found = examine(database->connection, path);
        if (!found) return Failure(found.error());
        out.rows = std::move(found->rows);
        if (out.damage.empty()) out.damage = found->damage;
        if (out.damage.empty() && !found->is_new && found->layout == version) {
            out.file.reset(new BookFile(std::move(database)));
            return out;
        }
        if (out.damage.empty()) {
            database.reset();
            out.file = make(path, out.rows);
            return out;
        }
    } catch (const SQLite::Exception& error) {
        const int code = error.getErrorCode();
        if (code == sqlite_busy || code == sqlite_locked)
            return fail(Errc::busy, path + ": another process keeps its state there");
        if (!is_damage(error)) {
            out.problem = error.what();
            if (auto copy = read_copy(path)) {
                out.rows = std::move(copy->rows);
                if (out.damage.empty()) out.damage = copy->damage;
            }
            return out;
        }
        if (out.damage.empty()) out.damage = error.what();
    }
    // While it is open: SQLite removes the log of a database that it closes.
    const auto aside = move_aside(path);
    database.reset();
    if (!aside) {
        out.problem = aside.error().message();
        return out;
    }
    out.damage += fmt::format("; it was moved to {}", *aside);
    try {
        out.file = make(path, out.rows);
    } catch (const SQLite::Exception& error) {
        out.problem = error.what();
    }
    return out;
}

Result<void> BookFile::write(
    const std::unordered_map<DomainKey, std::unique_ptr<const StoredDomain>>& rows) {
    try {
        SQLite::Transaction transaction(database_->connection);
        SQLite::Statement put = database_->statement_to_put();
        SQLite::Statement erase(database_->connection, "DELETE FROM books WHERE uuid = ?");
        for (const auto& [key, row] : rows) {
            if (row != nullptr) {
                database_->put(put, key, *row);
                continue;
            }
            erase.bind(1, key.uuid.data(), static_cast<int>(key.uuid.size()));
            erase.exec();
            erase.reset();
        }
        transaction.commit();
    } catch (const SQLite::Exception& error) {
        return fail(is_damage(error) ? Errc::bad_data : Errc::io, error.what());
    }
    return {};
}

void BookFile::checkpoint() noexcept {
    try {
        database_->connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (const SQLite::Exception&) {
        // What is in the log counts as well.
    }
}

}  // namespace ballast
