#include "recording/recording_reader.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "recording/schema.h"

namespace ballast {
namespace {

constexpr char kMagic[] = "SQLite format 3";  // and its NUL
constexpr int kPatience_ms = 5000;            // for a recorder that ends at this moment

constexpr std::int64_t kDay_us = std::int64_t{24} * 3600 * 1'000'000;
constexpr std::int64_t kLatest_us = 36525 * kDay_us;
constexpr std::int64_t kLongest_us = 3652 * kDay_us;

// Looks at nothing but regular files: what is read of a pipe is gone. Errors: io.
Result<bool> begins_as_sqlite(const std::string& path) {
    struct stat about {};
    if (::stat(path.c_str(), &about) != 0) return fail(Errc::io, "cannot read " + path, errno);
    if (!S_ISREG(about.st_mode)) return false;
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return fail(Errc::io, "cannot read " + path, errno);
    std::array<char, sizeof(kMagic)> start{};
    const ssize_t got = ::read(file.get(), start.data(), start.size());
    if (got < 0) return fail(Errc::io, "cannot read " + path, errno);
    return static_cast<std::size_t>(got) == start.size() &&
           std::memcmp(start.data(), kMagic, start.size()) == 0;
}

// Some signs mean something else in a URI.
std::string uri_of(const std::string& path) {
    std::string uri = "file:";
    for (const char sign : path)
        uri += std::strchr("%?#", sign) == nullptr ? std::string(1, sign)
                                                   : fmt::format("%{:02X}", sign);
    return uri + "?immutable=1";
}

SQLite::Database open_database(const std::string& path) {
    try {
        SQLite::Database database(path, SQLite::OPEN_READONLY, kPatience_ms);
        database.execAndGet("SELECT count(*) FROM sqlite_master");
        return database;
    } catch (const SQLite::Exception&) {
        // In a folder that may not be written, a file that nobody writes is read as it is.
        if (::access((path + "-wal").c_str(), F_OK) == 0) throw;
        return {uri_of(path), SQLite::OPEN_READONLY | SQLite::OPEN_URI};
    }
}

std::uint64_t bytes_of(const SQLite::Column& column) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(column.getInt64(), 0));
}

KnownBytes known(const SQLite::Column& column) {
    return column.isInteger() ? KnownBytes(bytes_of(column)) : std::nullopt;
}

double seconds(const SQLite::Column& column) {
    return static_cast<double>(column.getInt64()) * 1e-6;
}

// One table in the order in which it was written, a row ahead.
class Rows {
  public:
    Rows(SQLite::Database& database, const std::string& columns, const std::string& table)
        : statement_(database,
                     fmt::format("SELECT at, {} FROM {} ORDER BY rowid", columns, table)) {
        next();
    }
    bool has_row() const { return has_row_; }
    std::int64_t at() const { return at_; }
    double at_s() { return seconds((*this)[0]); }
    SQLite::Column operator[](int index) { return statement_.getColumn(index); }
    void next() {
        has_row_ = statement_.executeStep();
        if (has_row_) at_ = statement_.getColumn(0).getInt64();
    }
    bool is_before(const Rows& other) const {
        return has_row_ && (!other.has_row_ || at_ <= other.at_);
    }

  private:
    SQLite::Statement statement_;
    bool has_row_ = false;
    std::int64_t at_ = 0;
};

class Reader {
  public:
    Reader(SQLite::Database& database, int version) : database_(database) {
        if (version >= 2) {
            guest_more_ = "cache, major_faults, shares";
            tick_more_ = "host_total, host_reserve, host_stall";
        }
        guest_more_ += version >= 3 ? ", resident, late" : ", NULL, NULL";
        tick_more_ += version >= 3 ? ", host_swap_total, host_swap_free" : ", NULL, NULL";
    }

    // Before anything is made of them: a replay goes through all the time between the first and
    // the last.
    Result<void> check_times() {
        std::int64_t first = kLatest_us;
        std::int64_t last = 0;
        for (const char* const table : {"events", "guests", "ticks", "decisions"}) {
            SQLite::Statement times(
                database_,
                fmt::format("SELECT min(at), max(at), sum(typeof(at) <> 'integer') FROM {}",
                            table));
            if (!times.executeStep() || times.getColumn(0).isNull()) continue;
            const std::int64_t least = times.getColumn(0).getInt64();
            const std::int64_t most = times.getColumn(1).getInt64();
            if (times.getColumn(2).getInt64() > 0 || least < 0 || most > kLatest_us)
                return fail(Errc::invalid_argument,
                            fmt::format("table {} has times from {} to {}, expected whole "
                                        "microseconds since the host's start, 0 to {} (100 years)",
                                        table, times.getColumn(0).getString(),
                                        times.getColumn(1).getString(), kLatest_us));
            first = std::min(first, least);
            last = std::max(last, most);
        }
        if (last > first && last - first > kLongest_us)
            return fail(Errc::invalid_argument,
                        fmt::format("it spans {} days, expected at most {} (10 years)",
                                    (last - first) / kDay_us, kLongest_us / kDay_us));
        return {};
    }

    void read(RecordedHost& host) {
        read_untimed(host);
        Rows events(database_, "type, domain, what, bytes", "events");
        Rows guests(database_, "domain, total, loaned, unused, usable, " + guest_more_, "guests");
        Rows ticks(database_,
                   "epoch, total, loaned, inflated, deflated, host_available, " + tick_more_,
                   "ticks");
        Rows decisions(database_,
                       "domain, total, min_mem, request, oom_freed, loaned_before, decided",
                       "decisions");
        // Of one moment: what happened, then what guests told, what was decided, and the sums.
        while (events.has_row() || guests.has_row() || decisions.has_row() || ticks.has_row()) {
            if (events.is_before(guests) && events.is_before(decisions) && events.is_before(ticks))
                take_event(host, events);
            else if (guests.is_before(decisions) && guests.is_before(ticks))
                take_guest(host, guests);
            else if (decisions.is_before(ticks))
                take_decision(host, decisions);
            else
                take_tick(host, ticks);
        }
    }

  private:
    void read_untimed(RecordedHost& host) {
        SQLite::Statement domains(database_, "SELECT id, name FROM domains ORDER BY id");
        while (domains.executeStep())
            host.add_domain(domains.getColumn(0).getInt64(), domains.getColumn(1).getString());
        SQLite::Statement losses(database_, "SELECT records FROM losses");
        while (losses.executeStep()) host.add_loss(bytes_of(losses.getColumn(0)));
    }

    static void take_event(RecordedHost& host, Rows& row) {
        const std::string type = row[1].getString();
        if (type == "oom")
            host.add_oom(row.at_s(), bytes_of(row[4]));
        else if (type == "domain" && row[3].getString() == "domain_came")
            host.add_came(row.at_s(), row[2].getInt64());
        else if (type == "domain" && row[3].getString() == "domain_went")
            host.add_gone(row.at_s(), row[2].getInt64());
        row.next();
    }

    static void take_guest(RecordedHost& host, Rows& row) {
        RecordedGuest guest;
        guest.at_s = row.at_s();
        guest.domain = row[1].getInt64();
        guest.total_bytes = bytes_of(row[2]);
        guest.loaned_bytes = bytes_of(row[3]);
        guest.unused_bytes = known(row[4]);
        guest.usable_bytes = known(row[5]);
        guest.cache_bytes = known(row[6]);
        guest.major_faults = known(row[7]);
        guest.shares = known(row[8]);
        guest.resident_bytes = known(row[9]);
        if (const KnownBytes late = known(row[10])) guest.late = *late != 0;
        host.add(guest);
        row.next();
    }

    static void take_decision(RecordedHost& host, Rows& row) {
        RecordedDecision decision;
        decision.at_s = row.at_s();
        decision.domain = row[1].getInt64();
        decision.total_bytes = bytes_of(row[2]);
        decision.min_mem_bytes = bytes_of(row[3]);
        decision.request_bytes = row[4].getInt64();
        decision.credit_bytes = bytes_of(row[5]);
        decision.loaned_bytes = bytes_of(row[6]);
        decision.decided_bytes = bytes_of(row[7]);
        host.add(decision);
        row.next();
    }

    static void take_tick(RecordedHost& host, Rows& row) {
        RecordedTick tick;
        tick.at_s = row.at_s();
        tick.epoch = bytes_of(row[1]);
        tick.total_bytes = bytes_of(row[2]);
        tick.loaned_bytes = bytes_of(row[3]);
        tick.inflated_bytes = bytes_of(row[4]);
        tick.deflated_bytes = bytes_of(row[5]);
        tick.host_available_bytes = known(row[6]);
        tick.host_total_bytes = known(row[7]);
        tick.host_reserve_bytes = known(row[8]);
        tick.host_stall_us = known(row[9]);
        tick.host_swap_total_bytes = known(row[10]);
        tick.host_swap_free_bytes = known(row[11]);
        host.add(tick);
        row.next();
    }

    SQLite::Database& database_;
    std::string guest_more_ = "NULL, NULL, NULL";
    std::string tick_more_ = "NULL, NULL, NULL";
};

}  // namespace

bool is_sqlite_file(const std::string& path) {
    return begins_as_sqlite(path).value_or(false);
}

Result<Recording> read_recording(const std::string& path) {
    const auto is_database = begins_as_sqlite(path);
    if (!is_database) return Failure(is_database.error());
    if (!*is_database)
        return fail(Errc::invalid_argument,
                    path + ": not a recording, expected a file of `ballastctl record`");
    RecordedHost host;
    try {
        SQLite::Database database = open_database(path);
        const int application = database.execAndGet("PRAGMA application_id").getInt();
        if (application != kRecordingApplication)
            return fail(
                Errc::invalid_argument,
                fmt::format("{}: a database, but not a recording: its application id is "
                            "{:#x}, expected {:#x}",
                            path, static_cast<unsigned>(application), kRecordingApplication));
        const int version = database.execAndGet("PRAGMA user_version").getInt();
        if (version < kOldestRecordingVersion || version > kRecordingVersion)
            return fail(Errc::invalid_argument,
                        fmt::format("{}: a recording of version {}, expected {} to {}", path,
                                    version, kOldestRecordingVersion, kRecordingVersion));
        Reader reader(database, version);
        const SQLite::Transaction same_moment(database);
        if (auto checked = reader.check_times(); !checked)
            return with_context(checked.error(), path);
        reader.read(host);
    } catch (const SQLite::Exception& error) {
        return fail(Errc::io, fmt::format("{}: {}", path, error.what()));
    }
    return host.finish(path);
}

}  // namespace ballast
