// The tables of a recording. Sizes in bytes, times in microseconds.
#pragma once

namespace ballast {

inline constexpr int kRecordingApplication = 0x424c5354;  // "BLST"
inline constexpr int kRecordingVersion = 3;
// The first one: without the host's total, reserve and stall, guests' cache, major faults and
// shares. Version 2 has no resident memory of guests and no swap of the host.
inline constexpr int kOldestRecordingVersion = 1;

// `at`: CLOCK_MONOTONIC of the host; `wall` minus it is the same for all but where the host's clock
// was set.
inline constexpr const char* kRecordingSchema = R"(
CREATE TABLE about(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE domains(id INTEGER PRIMARY KEY, uuid BLOB NOT NULL, name TEXT NOT NULL,
                     UNIQUE(uuid, name));
CREATE TABLE ticks(at INTEGER NOT NULL, wall INTEGER NOT NULL, epoch INTEGER NOT NULL,
                   tick INTEGER NOT NULL, domains INTEGER NOT NULL, total INTEGER NOT NULL,
                   loaned INTEGER NOT NULL, loan_target INTEGER NOT NULL,
                   inflated INTEGER NOT NULL, deflated INTEGER NOT NULL, host_available INTEGER,
                   took INTEGER NOT NULL, late INTEGER NOT NULL, backend_up INTEGER NOT NULL,
                   host_total INTEGER, host_reserve INTEGER, host_stall INTEGER,
                   host_swap_total INTEGER, host_swap_free INTEGER);
CREATE TABLE decisions(at INTEGER NOT NULL, domain INTEGER NOT NULL REFERENCES domains,
                       tick INTEGER NOT NULL, total INTEGER NOT NULL, min_mem INTEGER NOT NULL,
                       request INTEGER NOT NULL, oom_freed INTEGER NOT NULL,
                       loaned_before INTEGER NOT NULL, decided INTEGER NOT NULL,
                       loan_target INTEGER NOT NULL, loaned_after INTEGER NOT NULL,
                       constraint_name TEXT NOT NULL, outcome TEXT NOT NULL);
CREATE TABLE guests(at INTEGER NOT NULL, domain INTEGER NOT NULL REFERENCES domains,
                    total INTEGER NOT NULL, loaned INTEGER NOT NULL, unused INTEGER,
                    usable INTEGER, cache INTEGER, major_faults INTEGER, shares INTEGER,
                    resident INTEGER, late INTEGER);
CREATE TABLE events(at INTEGER NOT NULL, type TEXT NOT NULL, domain INTEGER REFERENCES domains,
                    what TEXT NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE losses(at INTEGER NOT NULL, records INTEGER NOT NULL);
)";

}  // namespace ballast
