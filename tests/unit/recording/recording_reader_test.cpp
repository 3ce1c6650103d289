#include "recording/recording_reader.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/units.h"
#include "model/domain.h"
#include "tests/unit/recording/reader_fixture.h"

using namespace ballast;
using namespace ballast::test;
using Catch::Matchers::Contains;

namespace {

// "+0 -60": when a machine came and went.
std::string presence(const Recording& recording, std::size_t vm = 0) {
    std::string text;
    for (const WorkloadChange& change : recording.workload.changes)
        if (change.vm == vm)
            text += (text.empty() ? "" : " ") +
                    std::string(change.kind == WorkloadChangeKind::comes ? "+" : "-") +
                    std::to_string(std::lround(change.at_s));
    return text;
}

}  // namespace

TEST_CASE("what a guest keeps and could not use at once is its demand") {
    ReaderFixture fixture;
    Teller& host = fixture.host;
    host.tell(0, "db-1", 4 * kGiB, 0, 3 * kGiB);
    host.decision.min_mem_bytes = kGiB;
    host.decide(0, "db-1");
    host.tick(0);
    host.tell(10, "db-1", 4 * kGiB, 2 * kGiB, kGiB / 2);
    host.tick(10);
    host.guest.shares = 2500;
    host.tell(20, "db-1", 5 * kGiB, kGiB, 2 * kGiB);
    host.ticks(20, 100);
    const Recording recording = fixture.read();
    const Workload& workload = recording.workload;
    CHECK(workload.name == fixture.path);
    CHECK(workload.length_s == 100);
    CHECK(workload.host_bytes == 16 * kGiB);
    CHECK(workload.reserve_bytes == kGiB);
    REQUIRE(workload.vms.size() == 1);
    CHECK(workload.vms[0].name == "db-1");
    CHECK(workload.vms[0].capacity_bytes == 5 * kGiB);
    CHECK(workload.vms[0].min_mem_bytes == kGiB);
    CHECK(workload.vms[0].shares == 2500);
    CHECK(demand(recording) == Points{{0, 1}, {10, 1.5}, {20, 2}});
    CHECK(workload.series[0].steps);
    CHECK(presence(recording) == "+0");
    CHECK(recording.notes.empty());
}

TEST_CASE("a guest's figures are hints") {
    ReaderFixture fixture;
    Teller& host = fixture.host;
    host.tell(0, "liar", 4 * kGiB, 0, 3 * kGiB);
    host.tell(0, "old", 4 * kGiB, 0, UINT64_MAX);
    host.guest.cache_bytes = kGiB;
    host.guest.unused_bytes = kGiB;
    host.tell(1, "old", 4 * kGiB, 0, UINT64_MAX);
    host.guest.unused_bytes = UINT64_MAX;
    host.tell(1, "mute", 4 * kGiB, 0, UINT64_MAX);
    host.tell(1, "nobody", 0, 0, 0);
    host.tell(1, "full", 4 * kGiB, 0, 0);
    host.tell(20, "liar", 4 * kGiB, 3 * kGiB, 2 * kGiB);
    host.tell(25, "liar", 4 * kGiB, 3 * kGiB, 5 * kGiB / 2);
    host.tell(40, "liar", 4 * kGiB, 5 * kGiB, 0);
    host.tick(60);
    const Recording recording = fixture.read();
    REQUIRE(recording.workload.vms.size() == 3);
    // More usable than it keeps: as if it had not been told. More lent than it has: it keeps none.
    CHECK(demand(recording, 0) == Points{{0, 1}, {50, 0}});
    CHECK(demand(recording, 1) == Points{{0, 4}, {1, 2}});
    CHECK(recording.workload.vms[2].name == "full");
    CHECK(demand(recording, 2) == Points{{1, 4}});
    CHECK(recording.workload.vms[2].min_mem_bytes == kUnknownBytes);
    const std::string notes = [&] {
        std::string all;
        for (const std::string& note : recording.notes) all += note + "\n";
        return all;
    }();
    CHECK_THAT(notes, Contains("left out: mute: it never told what it uses\n"));
    CHECK_THAT(notes, Contains("left out: nobody: it never told"));
    CHECK_THAT(notes, Contains("left out: 1 figures of liar that contradict its memory\n"));
    CHECK_THAT(notes, Contains("old: does not tell what it could use; unused memory and cache"));
}

TEST_CASE("guests come when they are told of, and go when they are not any more") {
    ReaderFixture fixture;
    Teller& host = fixture.host;
    const auto tell = [&](double at_s, const char* name) {
        host.tell(at_s, name, 4 * kGiB, 0, 3 * kGiB);
    };
    for (double at_s = 0; at_s <= 1200; at_s += 60) {
        tell(at_s, "always");
        if (at_s <= 300 || at_s >= 900) tell(at_s, "away");
        if (at_s == 120 || at_s == 180) tell(at_s, "short");
        if (at_s == 240) host.happen(230, BALLAST_BUS_DOMAIN, "short", "domain_went");
        host.ticks(at_s, at_s + 59);
    }
    const Recording recording = fixture.read();
    CHECK(presence(recording, 0) == "+0");
    CHECK(presence(recording, 1) == "+0 -300 +900");
    CHECK(presence(recording, 2) == "+120 -230");
    CHECK(largest_capacity_bytes(recording.workload) == 12 * kGiB);
}

TEST_CASE("nobody goes because the daemon was away, and that is said") {
    ReaderFixture fixture;
    Teller& host = fixture.host;
    host.tell(0, "a", 4 * kGiB, 0, 3 * kGiB);
    host.ticks(0, 30);
    host.epoch = 2;
    host.tell(3600, "a", 4 * kGiB, 0, 2 * kGiB);
    host.ticks(3600, 3610);
    host.lose(17, 3611);
    const Recording recording = fixture.read();
    CHECK(presence(recording) == "+0");
    REQUIRE(recording.notes.size() == 2);
    CHECK_THAT(recording.notes[0], Contains("no ticks in 1 gaps, the longest 59m30s"));
    CHECK_THAT(recording.notes[1], Contains("17 records were lost"));
}

TEST_CASE("a daemon with rare ticks has no gaps") {
    ReaderFixture fixture;
    for (double at_s = 0; at_s <= 7200; at_s += 600) {
        fixture.host.tell(at_s, "a", 4 * kGiB, 0, 3 * kGiB);
        fixture.host.tick(at_s);
    }
    const Recording recording = fixture.read();
    CHECK(presence(recording) == "+0");
    CHECK(recording.notes.empty());
}

TEST_CASE("what happened is summed up over daemons and guests that start over") {
    ReaderFixture fixture;
    Teller& host = fixture.host;
    host.sums.inflated_bytes = 10 * kGiB;  // of before: does not count
    host.sums.host_stall_ns = 1'000'000'000;
    host.sums.host_available_bytes = 6 * kGiB;  // 2 GiB are neither available nor guests'
    host.guest.major_faults = 100;
    host.tell(0, "a", 8 * kGiB, 0, kGiB);
    host.tick(0);
    host.sums.loaned_bytes = 2 * kGiB;
    host.sums.inflated_bytes = 12 * kGiB;
    host.sums.host_available_bytes = 9 * kGiB;
    host.sums.host_stall_ns = 4'000'000'000;
    host.guest.major_faults = 130;
    host.tell(1800, "a", 8 * kGiB, 2 * kGiB, kGiB / 2);
    host.tick(1800);
    host.decision.oom_freed_bytes = kGiB;
    host.decide(1900, "a");
    host.decision.oom_freed_bytes = 0;
    host.decide(1950, "a");
    host.happen(2000, BALLAST_BUS_OOM, "a", "oom", kGiB);
    host.epoch = 2;
    host.sums.inflated_bytes = kGiB;
    host.sums.deflated_bytes = kGiB / 2;
    host.guest.major_faults = 5;
    host.tell(3600, "a", 8 * kGiB, 2 * kGiB, kGiB);
    host.tick(3600);
    const RecordedOutcome outcome = fixture.read().outcome;
    CHECK(gib(outcome.lent_byte_s) == Approx(3600));
    CHECK(gib(outcome.moved_bytes) == 3.5);
    CHECK(outcome.ooms == 1);
    CHECK(outcome.oom_bytes == kGiB);
    CHECK(outcome.credit_bytes == kGiB);
    CHECK(outcome.major_faults == 35U);
    CHECK(outcome.host_stall_s == Approx(3));
    CHECK(outcome.host_total_bytes == 16 * kGiB);
    CHECK(outcome.host_own_bytes == 2 * kGiB);
    CHECK(outcome.least_available_bytes == 6 * kGiB);
    REQUIRE(outcome.lent.points.size() == 2);
    CHECK(outcome.lent.points[1].at_s == 1800);
}

TEST_CASE("guests may have what the host does not use itself") {
    ReaderFixture fixture;
    fixture.host.tell(0, "a", 8 * kGiB, 0, kGiB);
    fixture.host.sums.host_available_bytes = 5 * kGiB;
    fixture.host.ticks(0, 10);
    CHECK(fixture.read().workload.host_bytes == 13 * kGiB);
}

TEST_CASE("one name of two machines is told apart") {
    ReaderFixture fixture;
    fixture.host.tell(0, "a", kGiB, 0, 0);
    fixture.host.ticks(0, 10);
    REQUIRE(fixture.recorder_->finish());
    fixture.change(
        "INSERT INTO domains(uuid, name) VALUES(x'01','a'); INSERT INTO guests(at, domain, total, "
        "loaned, usable) SELECT at, 2, total, loaned, usable FROM guests");
    const Recording recording = fixture.read();
    REQUIRE(recording.workload.vms.size() == 2);
    CHECK(recording.workload.vms[1].name == "a (2)");
}

TEST_CASE("recordings of the first version are read") {
    ReaderFixture fixture;
    fixture.host.tell(0, "a", 4 * kGiB, 0, 3 * kGiB);
    fixture.host.ticks(0, 10);
    REQUIRE(fixture.recorder_->finish());
    fixture.change(
        "PRAGMA user_version=1; ALTER TABLE ticks DROP COLUMN host_total;"
        "ALTER TABLE ticks DROP COLUMN host_reserve; ALTER TABLE ticks DROP COLUMN host_stall;"
        "ALTER TABLE guests DROP COLUMN cache; ALTER TABLE guests DROP COLUMN major_faults;ALTER "
        "TABLE guests DROP COLUMN shares;");
    const Recording recording = fixture.read();
    CHECK(demand(recording) == Points{{0, 1}});
    CHECK(recording.workload.host_bytes == 0);
    CHECK_FALSE(recording.outcome.major_faults);
    REQUIRE(recording.notes.size() == 1);
    CHECK(recording.notes[0] == "the host's memory is not told");
}

TEST_CASE("a recording is read while it is written, as far as it is committed") {
    ReaderFixture fixture;
    fixture.host.tell(0, "a", 4 * kGiB, 0, 3 * kGiB);
    fixture.host.ticks(0, 10);
    REQUIRE(fixture.recorder_->commit());
    fixture.host.ticks(11, 20);
    const auto first = read_recording(fixture.path);
    REQUIRE(first);
    CHECK(first->workload.length_s == 10);
    REQUIRE(fixture.recorder_->commit());
    CHECK(read_recording(fixture.path)->workload.length_s == 20);
}

TEST_CASE("a recording whose recorder was killed is read") {
    ReaderFixture fixture;
    fixture.recorder_.reset();
    std::filesystem::remove(fixture.path);
    const pid_t child = fork();
    if (child == 0) {
        auto recorder = fixture.recorder();
        Teller host(*recorder);
        host.tell(0, "a", 4 * kGiB, 0, 3 * kGiB);
        host.ticks(0, 10);
        static_cast<void>(recorder->commit());
        ::kill(getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    const auto recording = read_recording(fixture.path);
    REQUIRE(recording);
    CHECK(recording->workload.length_s == 10);
}

TEST_CASE("a recording in a folder that may not be written is read") {
    ReaderFixture fixture;
    fixture.host.tell(0, "a", 4 * kGiB, 0, 3 * kGiB);
    fixture.host.ticks(0, 10);
    REQUIRE(fixture.recorder_->finish());
    fixture.recorder_.reset();
    const std::string odd = fixture.folder.path("50% of #1?.ballast");
    std::filesystem::rename(fixture.path, odd);
    std::filesystem::permissions(fixture.folder.path("."), std::filesystem::perms(0555));
    const pid_t child = fork();
    if (child == 0) {
        if (::geteuid() == 0 && ::setuid(65534) != 0) _exit(2);
        const auto recording = read_recording(odd);
        _exit(recording && recording->workload.length_s == 10 ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    std::filesystem::permissions(fixture.folder.path("."), std::filesystem::perms(0755));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a recording without figures of guests cannot be replayed") {
    ReaderFixture fixture;
    fixture.host.ticks(0, 10);
    fixture.host.guest.unused_bytes = UINT64_MAX;
    fixture.host.tell(10, "mute", kGiB, 0, UINT64_MAX);
    CHECK_THAT(fixture.refusal(), Contains(fixture.path + ": no guest tells what it uses"));
}

TEST_CASE("a recording of one moment, or of nothing, cannot be replayed") {
    ReaderFixture fixture;
    CHECK_THAT(fixture.refusal(), Contains("no guest tells what it uses"));
    fixture.host.tell(0, "a", kGiB, 0, 0);
    fixture.host.tick(0);
    CHECK_THAT(fixture.refusal(), Contains("all of it is of one moment"));
}

TEST_CASE("what is no recording is refused by what it is") {
    RecordingFixture fixture;
    const auto refusal = [](const std::string& path) {
        const auto recording = read_recording(path);
        return recording ? "" : recording.error().message();
    };
    const auto file = [&fixture](const std::string& name, const std::string& text) {
        std::ofstream(fixture.folder.path(name)) << text;
        return fixture.folder.path(name);
    };
    CHECK_THAT(refusal("/no/such"), Contains("cannot read /no/such"));
    CHECK_THAT(refusal(file("empty", "")), Contains("empty: not a recording"));
    CHECK_THAT(refusal(file("text", "vm,t_s,capacity_kib,used_kib\n")),
               Contains("not a recording"));
    CHECK_THAT(refusal(fixture.folder.path(".")), Contains("not a recording"));
    CHECK_FALSE(is_sqlite_file("/no/such"));
    CHECK_FALSE(is_sqlite_file(fixture.folder.path("text")));
    const std::string cut = file("cut", std::string("SQLite format 3\0", 16));
    CHECK(is_sqlite_file(cut));
    CHECK_THAT(refusal(cut), Contains(cut + ": "));

    fixture.recorder();
    CHECK(is_sqlite_file(fixture.path));
    fixture.change("PRAGMA user_version=9");
    CHECK_THAT(refusal(fixture.path), Contains("a recording of version 9, expected 1 to 3"));
    fixture.change("PRAGMA user_version=2; DROP TABLE guests");
    CHECK_THAT(refusal(fixture.path), Contains(fixture.path + ": no such table: guests"));
    fixture.change("PRAGMA application_id=7");
    CHECK_THAT(refusal(fixture.path),
               Contains("not a recording: its application id is 0x7, expected 0x424c5354"));
}

TEST_CASE("a damaged recording is an error wherever it is damaged") {
    ReaderFixture fixture;
    for (double at_s = 0; at_s < 2000; ++at_s)
        fixture.host.tell(at_s, "a", 4 * kGiB, 0, static_cast<std::uint64_t>(at_s) * kMiB);
    fixture.host.ticks(0, 2000);
    REQUIRE(fixture.recorder_->finish());
    fixture.recorder_.reset();
    const auto size = std::filesystem::file_size(fixture.path);
    std::size_t refused = 0;
    for (std::size_t at = 4096; at < size; at += 4096) {
        const std::string damaged = fixture.folder.path("damaged");
        std::filesystem::copy_file(fixture.path, damaged,
                                   std::filesystem::copy_options::overwrite_existing);
        std::fstream file(damaged, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(at));
        file << std::string(4096, '\x5a');
        file.close();
        const auto recording = read_recording(damaged);  // and nothing crashes
        if (!recording) ++refused;
    }
    CHECK(refused > 10);
    std::filesystem::resize_file(fixture.path, size / 2);
    CHECK_THAT(fixture.folder.path("x") + read_recording(fixture.path).error().message(),
               Contains("malformed"));
}

TEST_CASE("tables that hold nonsense do not lead astray") {
    ReaderFixture fixture;
    fixture.host.tell(0, "a", 4 * kGiB, 0, 3 * kGiB);
    fixture.host.ticks(0, 10);
    REQUIRE(fixture.recorder_->finish());
    fixture.change(
        "INSERT INTO guests VALUES(5010000000, 1, 'x', -5, 'x', x'00', 3.5, -1, -1, 'x', 'x');"
        "INSERT INTO guests VALUES(5010000000, 1, 9223372036854775807, 1, 1, 1, 1, 1, 1, -1, NULL);"
        "INSERT INTO guests VALUES(5010000000, 1, 4294967296, 1, 1, 9223372036854775807, 1, 1, 1, "
        "-1, NULL);"
        "INSERT INTO guests VALUES(5010000000, 99, 4294967296, 1, 1, 1, 1, 1, 1, 1, 0);"
        "INSERT INTO ticks "
        "VALUES(0,0,-1,0,0,-1,-1,0,-1,-1,'x',0,0,0,-1,-1,-1,-1,-1);"
        "INSERT INTO events VALUES(5005000000, 'oom', NULL, 'oom', -1);"
        "INSERT INTO losses VALUES(0, -1);");
    const Recording recording = fixture.read();
    CHECK(demand(recording) == Points{{0, 1}});
    CHECK(recording.workload.length_s == 10);
}

TEST_CASE("a recording with absurd times is refused before anything is made of it") {
    ReaderFixture fixture;
    fixture.host.tell(0, "a", 4 * kGiB, 0, 3 * kGiB);
    fixture.host.ticks(0, 10);
    REQUIRE(fixture.recorder_->finish());
    using Catch::Contains;
    const auto refused_with = [&](const std::string& change, const std::string& back) {
        fixture.change(change);
        const auto recording = read_recording(fixture.path);
        fixture.change(back);
        return recording ? std::string("read") : recording.error().message();
    };
    const std::string back = "DELETE FROM events WHERE what = 'absurd'";
    const auto event_at = [&](const std::string& at) {
        return refused_with("INSERT INTO events VALUES(" + at + ", 'oom', NULL, 'absurd', 1)",
                            back);
    };
    CHECK_THAT(event_at("9223372036854775807"),
               Contains("table events has times from 9223372036854775807 to 9223372036854775807, "
                        "expected whole microseconds since the host's start, 0 to "));
    CHECK_THAT(event_at("-1"), Contains("table events has times from -1"));
    CHECK_THAT(event_at("'x'"), Contains("table events has times"));
    CHECK_THAT(event_at("5000.5"), Contains("table events has times"));
    // Each is possible, not so the time between them.
    CHECK_THAT(event_at("3000000000000000"), Contains("days, expected at most 3652 (10 years)"));
    CHECK(event_at("5005000000") == "read");
    CHECK_THAT(refused_with("UPDATE ticks SET at = at + 4000000000000000",
                            "UPDATE ticks SET at = at - 4000000000000000"),
               Contains("table ticks has times from 4"));
}
