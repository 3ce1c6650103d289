#include "recording/bus_recorder.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>

#include "base/fd.h"
#include "base/units.h"
#include "bus/record_json.h"
#include "recording/schema.h"

namespace ballast {
namespace {

// So much of the file one transaction may add, about: the bound is looked at after each.
constexpr std::uint64_t share_of_a_transaction = 50;
constexpr std::uint64_t bytes_a_record = 100;
// The journal is written back beyond the first, if no reader keeps it; beyond the second it is an
// error.
constexpr std::uint64_t large_journal_bytes = std::uint64_t{8} << 20U;
constexpr std::uint64_t most_journal_bytes = std::uint64_t{64} << 20U;

std::uint64_t size_of_file(const std::string& path) {
    struct stat about {};
    return ::stat(path.c_str(), &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
}

Failure failure_of(const std::string& path, const SQLite::Exception& error) {
    return fail(Errc::io, fmt::format("{}: {}", path, error.what()));
}

std::int64_t microseconds(std::int64_t ns) {
    return ns / 1000;
}

// SQLite's integers are signed; what does not fit is no size.
std::int64_t size_of(std::uint64_t bytes) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(bytes, INT64_MAX));
}

template <std::size_t size>
std::string text(const char (&from)[size]) {
    return {from, ::strnlen(from, size)};
}

// Binds its arguments in order and runs.
class Insert {
  public:
    Insert(SQLite::Database& database, const std::string& table, int columns)
        : statement_(database, sql(table, columns)) {}

    template <class... Values>
    void operator()(const Values&... values) {
        int at = 0;
        (bind(++at, values), ...);
        statement_.exec();
        statement_.reset();
    }

  private:
    static std::string sql(const std::string& table, int columns) {
        std::string text = fmt::format("INSERT INTO {} VALUES(?", table);
        for (int i = 1; i < columns; ++i) text += ",?";
        return text + ")";
    }
    void bind(int at, std::int64_t value) { statement_.bind(at, value); }
    void bind(int at, const std::string& value) { statement_.bind(at, value); }
    void bind(int at, const std::optional<std::int64_t>& value) {
        value ? statement_.bind(at, *value) : statement_.bind(at);
    }

    SQLite::Statement statement_;
};

SQLite::Database make_database(const std::string& file) {
    SQLite::Database database(file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec(
        fmt::format("PRAGMA application_id={}; PRAGMA user_version={};"
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                    "PRAGMA journal_size_limit=4194304;",
                    kRecordingApplication, kRecordingVersion));
    database.exec(kRecordingSchema);
    return database;
}

std::optional<std::int64_t> known(std::uint64_t bytes) {
    return bytes == UINT64_MAX ? std::nullopt : std::optional(size_of(bytes));
}

}  // namespace

struct BusRecorder::State {
    State(const std::string& file, std::uint64_t most)
        : path(file), max_bytes(most), database(make_database(file)), prepared(database) {}

    std::int64_t domain_of(const ballast_bus_domain& domain) {
        const auto key = std::pair(std::to_array(domain.uuid), text(domain.name));
        if (const auto found = domains.find(key); found != domains.end()) return found->second;
        SQLite::Statement insert(database, "INSERT INTO domains(uuid, name) VALUES(?,?)");
        insert.bind(1, domain.uuid, sizeof(domain.uuid));
        insert.bind(2, key.second);
        insert.exec();
        const std::int64_t id = database.getLastInsertRowid();
        domains.emplace(key, id);
        return id;
    }

    void add(const ballast_bus_record& record);
    void add_event(const ballast_bus_record& record, std::int64_t at);
    bool is_full();
    void make_room();
    void bound_journal();

    std::string path;
    std::uint64_t max_bytes;
    SQLite::Database database;
    struct Prepared {
        explicit Prepared(SQLite::Database& database)
            : tick(database, "ticks", 19),
              decision(database, "decisions", 13),
              guest(database, "guests", 11),
              event(database, "events", 5),
              loss(database, "losses", 2) {}
        Insert tick, decision, guest, event, loss;
    } prepared;
    std::optional<SQLite::Transaction> transaction;
    std::uint64_t in_transaction = 0;
    std::int64_t last_at = 0;
    std::map<std::pair<std::array<unsigned char, 16>, std::string>, std::int64_t> domains;
    std::uint64_t records = 0;
    std::uint64_t lost = 0;
};

void BusRecorder::State::add_event(const ballast_bus_record& record, std::int64_t at) {
    const std::string type = bus_type_names()[record.type - 1U];
    if (record.type == BALLAST_BUS_BACKEND || record.type == BALLAST_BUS_CONFIG) {
        const auto& notice = record.payload.notice.text;
        prepared.event(at, type, std::optional<std::int64_t>(),
                       std::string(notice, ::strnlen(notice, record.size)), std::int64_t{0});
        return;
    }
    const ballast_bus_domain_event& event = record.payload.event;
    prepared.event(at, type, std::optional(domain_of(event.domain)), text(event.what),
                   size_of(event.bytes));
}

void BusRecorder::State::add(const ballast_bus_record& record) {
    const std::int64_t at = microseconds(record.monotonic_ns);
    last_at = std::max(last_at, at);
    if (record.lost > 0) prepared.loss(at, size_of(record.lost));
    lost += record.lost;
    // What is not known, or too short for what it says, is nothing that could be replayed.
    if (!is_known_record(record)) return;
    ++records;
    ++in_transaction;
    switch (record.type) {
        case BALLAST_BUS_TICK: {
            const ballast_bus_tick tick = bus_tick_of(record);
            prepared.tick(
                at, microseconds(record.wall_ns), size_of(record.epoch), size_of(tick.tick),
                size_of(tick.domains), size_of(tick.total_bytes), size_of(tick.loaned_bytes),
                size_of(tick.loan_target_bytes), size_of(tick.inflated_bytes),
                size_of(tick.deflated_bytes), known(tick.host_available_bytes),
                size_of(tick.took_ns / 1000), size_of(tick.late_ns / 1000),
                std::int64_t{tick.backend_up}, known(tick.host_total_bytes),
                known(tick.host_reserve_bytes),
                known(tick.host_stall_ns == UINT64_MAX ? UINT64_MAX : tick.host_stall_ns / 1000),
                known(tick.host_swap_total_bytes), known(tick.host_swap_free_bytes));
            break;
        }
        case BALLAST_BUS_DECISION: {
            const ballast_bus_decision& made = record.payload.decision;
            prepared.decision(at, domain_of(made.domain), size_of(made.tick),
                              size_of(made.total_bytes), size_of(made.min_mem_bytes),
                              made.request_bytes, size_of(made.oom_freed_bytes),
                              size_of(made.loaned_before_bytes), size_of(made.decided_bytes),
                              size_of(made.loan_target_bytes), size_of(made.loaned_after_bytes),
                              text(made.constraint), text(made.outcome));
            break;
        }
        case BALLAST_BUS_GUEST: {
            const ballast_bus_guest guest = bus_guest_of(record);
            prepared.guest(at, domain_of(guest.domain), size_of(guest.total_bytes),
                           size_of(guest.loaned_bytes), known(guest.unused_bytes),
                           known(guest.usable_bytes), known(guest.cache_bytes),
                           known(guest.major_faults), known(guest.shares),
                           known(guest.resident_bytes), known(guest.late));
            break;
        }
        default:
            add_event(record, at);
    }
}

bool BusRecorder::State::is_full() {
    const auto pages = [&](const char* pragma) {
        return static_cast<std::uint64_t>(database.execAndGet(pragma).getInt64());
    };
    const std::uint64_t used = pages("PRAGMA page_count") - pages("PRAGMA freelist_count");
    return used * pages("PRAGMA page_size") >= max_bytes / 20 * 19;
}

// Deletes what is older than a tenth of the time that is recorded, whatever its kind; the file's
// pages are used again.
void BusRecorder::State::make_room() {
    constexpr std::array tables{"ticks", "decisions", "guests", "events", "losses"};
    for (int tenths = 0; tenths < 20 && is_full(); ++tenths) {
        std::int64_t first = last_at;
        for (const char* const table : tables) {
            SQLite::Statement oldest(
                database, fmt::format("SELECT at FROM {} ORDER BY rowid LIMIT 1", table));
            if (oldest.executeStep()) first = std::min(first, oldest.getColumn(0).getInt64());
        }
        const std::int64_t cut = first + std::max<std::int64_t>((last_at - first) / 10, 1);
        // Rows are in the order of time: only those that go are looked at.
        for (const char* const table : tables)
            database.exec(fmt::format(
                "DELETE FROM {0} WHERE rowid < coalesce((SELECT rowid FROM {0} WHERE at >= {1} "
                "ORDER BY rowid LIMIT 1), (SELECT max(rowid) FROM {0}) + 1)",
                table, cut));
    }
}

// Without an open transaction.
void BusRecorder::State::bound_journal() {
    const std::string journal = path + "-wal";
    if (size_of_file(journal) < large_journal_bytes) return;
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const std::uint64_t left = size_of_file(journal);
    if (left < most_journal_bytes) return;
    throw SQLite::Exception(
        fmt::format("the journal has {}: somebody who reads the recording keeps it from being "
                    "written back",
                    format_size(left)));
}

BusRecorder::BusRecorder(std::unique_ptr<State> state) : state_(std::move(state)) {}

BusRecorder::~BusRecorder() {
    static_cast<void>(commit());
}

Result<std::unique_ptr<BusRecorder>> BusRecorder::create(const std::string& path,
                                                         const std::string& source,
                                                         Options options) {
    if (options.max_bytes < least_bytes)
        return fail(Errc::invalid_argument,
                    fmt::format("a recording of at most {} is too small, expected {} or more",
                                format_size(options.max_bytes), format_size(least_bytes)));
    // First by hand: it says best what is wrong, and whose the file is.
    const Fd made(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644));
    if (!made && errno == EEXIST)
        return fail(Errc::busy, path + ": is there already, expected the name of a new file");
    if (!made) return fail(Errc::io, path + ": cannot be made", errno);
    try {
        auto state = std::make_unique<State>(path, options.max_bytes);
        Insert(state->database, "about", 2)(std::string("source"), source);
        return std::unique_ptr<BusRecorder>(new BusRecorder(std::move(state)));
    } catch (const SQLite::Exception& error) {
        for (const char* const suffix : {"", "-wal", "-shm"}) ::unlink((path + suffix).c_str());
        return failure_of(path, error);
    }
}

Result<void> BusRecorder::add(const ballast_bus_record& record) {
    try {
        if (!state_->transaction) state_->transaction.emplace(state_->database);
        state_->add(record);
    } catch (const SQLite::Exception& error) {
        return failure_of(state_->path, error);
    }
    const std::uint64_t most =
        std::max<std::uint64_t>(state_->max_bytes / share_of_a_transaction / bytes_a_record, 100);
    return state_->in_transaction >= most ? commit() : Result<void>();
}

Result<void> BusRecorder::commit() {
    if (!state_->transaction) return {};
    try {
        state_->make_room();
        state_->transaction->commit();
        state_->transaction.reset();
        state_->in_transaction = 0;
        state_->bound_journal();
    } catch (const SQLite::Exception& error) {
        return failure_of(state_->path, error);
    }
    return {};
}

std::uint64_t BusRecorder::records() const noexcept {
    return state_->records;
}
std::uint64_t BusRecorder::lost() const noexcept {
    return state_->lost;
}
std::uint64_t BusRecorder::bytes() const {
    return size_of_file(state_->path) + size_of_file(state_->path + "-wal");
}

Result<void> BusRecorder::finish() {
    if (auto committed = commit(); !committed) return committed;
    try {
        state_->database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch (const SQLite::Exception& error) {
        return failure_of(state_->path, error);
    }
    return {};
}

}  // namespace ballast
