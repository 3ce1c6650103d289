/* Reads Ballast's event bus: every decision and event of a ballastd on this host, from a ring in
 * shared memory. docs/bus_format.md describes the file; this library is one reader of it.
 *
 * Nothing a reader does can slow, block or harm the daemon. A reader that is too slow loses the
 * oldest records and learns exactly how many.
 *
 * A handle is for one thread at a time. No function but ballast_bus_next with a timeout blocks.
 */
#ifndef BALLAST_BUS_H
#define BALLAST_BUS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BALLAST_BUS_MAX_PAYLOAD 224 /* bytes of one record */

/* What a record is about, and so which structure its payload is. There may be others in a later
 * version: skip what you do not know. A later version of a structure only appends to it. */
enum ballast_bus_type {
    BALLAST_BUS_DECISION = 1,  /* struct ballast_bus_decision: what became of a domain in a tick */
    BALLAST_BUS_OOM = 2,       /* struct ballast_bus_domain_event: it took memory back */
    BALLAST_BUS_HOTPLUG = 3,   /* struct ballast_bus_domain_event: memory comes or goes */
    BALLAST_BUS_MIGRATION = 4, /* struct ballast_bus_domain_event: it, or its pages, moves */
    BALLAST_BUS_BACKEND = 5,   /* struct ballast_bus_notice: a backend is loaded, unloaded, lost */
    BALLAST_BUS_TICK = 6,      /* struct ballast_bus_tick: the sums of one tick */
    BALLAST_BUS_CONFIG = 7,    /* struct ballast_bus_notice: a setting was changed */
    BALLAST_BUS_DOMAIN = 8,    /* struct ballast_bus_domain_event: it came, left, or paused */
    BALLAST_BUS_GUEST = 9      /* struct ballast_bus_guest: a domain's memory as it is used */
};

/* Which domain. A name that is longer is cut, at a character of UTF-8; the UUID is whole. */
struct ballast_bus_domain {
    unsigned char uuid[16];
    char name[80]; /* ends with a NUL */
};

struct ballast_bus_decision {
    struct ballast_bus_domain domain;
    uint64_t tick;
    uint64_t total_bytes;
    uint64_t min_mem_bytes;
    int64_t request_bytes; /* > 0: lend more */
    uint64_t oom_freed_bytes;
    uint64_t loaned_before_bytes;
    uint64_t decided_bytes;     /* the loan target after all constraints */
    uint64_t loan_target_bytes; /* the same, after the fallback where a move came short */
    uint64_t loaned_after_bytes;
    char constraint[24]; /* its name, ends with a NUL */
    char outcome[16];    /* "done", "accepted", "partial", "refused", "gone", "failed" */
};

struct ballast_bus_domain_event {
    struct ballast_bus_domain domain;
    char what[32];  /* "hotplug_begin", "migration_end", ...; ends with a NUL */
    uint64_t bytes; /* of an OOM: what it took back; else 0 */
};

/* Told when what it has, lends, leaves unused or could use changes, and of every domain once a
 * minute. UINT64_MAX: not known. */
struct ballast_bus_guest {
    struct ballast_bus_domain domain;
    uint64_t tick;
    uint64_t total_bytes;
    uint64_t loaned_bytes;
    uint64_t unused_bytes; /* what the guest says: nobody uses it */
    uint64_t usable_bytes; /* and what it could have without swapping */
    /* Since version 2; look at the record's size. */
    uint64_t cache_bytes;  /* of files, as the guest tells it */
    uint64_t major_faults; /* since the guest started */
    uint64_t shares;       /* its weight, 0 .. 10000 */
    /* Since version 3. */
    uint64_t resident_bytes; /* of the host's memory, what it has */
    uint64_t late;           /* 1: what the guest says may be of before its balloon last moved */
};

struct ballast_bus_tick {
    uint64_t tick;
    uint64_t domains;
    uint64_t total_bytes;
    uint64_t loaned_bytes;
    uint64_t loan_target_bytes;
    uint64_t inflated_bytes; /* since the start */
    uint64_t deflated_bytes;
    uint64_t host_available_bytes; /* UINT64_MAX: not known */
    uint64_t took_ns;
    uint64_t late_ns;
    uint32_t backend_up;
    uint32_t reserved;
    /* Since version 2; look at the record's size. UINT64_MAX: not known. */
    uint64_t host_total_bytes;
    uint64_t host_reserve_bytes; /* of them, what is not to be lent on */
    uint64_t host_stall_ns;      /* since the host started, some task waited for memory (PSI) */
    /* Since version 3. */
    uint64_t host_swap_total_bytes;
    uint64_t host_swap_free_bytes;
};

struct ballast_bus_notice {
    char text[BALLAST_BUS_MAX_PAYLOAD]; /* UTF-8, ends with a NUL */
};

struct ballast_bus_record {
    uint64_t epoch;    /* which writer */
    uint64_t position; /* counts that writer's records, from 0 */
    uint64_t lost;     /* records lost just before this one */
    int64_t wall_ns;   /* when: Unix time */
    int64_t monotonic_ns;
    uint16_t type;    /* enum ballast_bus_type, or one that is not known here */
    uint16_t version; /* of the structure */
    uint32_t size;    /* bytes of the payload, at most BALLAST_BUS_MAX_PAYLOAD */
    union {
        unsigned char bytes[BALLAST_BUS_MAX_PAYLOAD]; /* beyond `size`, of no meaning */
        struct ballast_bus_decision decision;
        struct ballast_bus_domain_event event;
        struct ballast_bus_tick tick;
        struct ballast_bus_guest guest;
        struct ballast_bus_notice notice;
    } payload;
};

typedef struct ballast_bus ballast_bus;

/* Flags of ballast_bus_open. */
#define BALLAST_BUS_FROM_OLDEST \
    1u /* begin with the oldest record there is, not with the next one */
#define BALLAST_BUS_NO_SIGBUS \
    2u /* leave SIGBUS alone: reading a file that shrinks ends the process */

/* Opens the bus at `path` and checks it; *bus is the handle. 0, or a negative errno with *bus a
 * handle that only ballast_bus_error and ballast_bus_close take (NULL: no memory). -ENOENT: no
 * daemon has been there yet. -EPROTO: not a bus, or a version that is not known here. -EMFILE: some
 * hundreds are open in this process.
 *
 * Unless told otherwise, the first open of the process installs a handler for SIGBUS that looks at
 * faults in the bus's file alone and hands all others on. */
int ballast_bus_open(ballast_bus** bus, const char* path, unsigned flags);
void ballast_bus_close(ballast_bus* bus); /* NULL is fine */

/* What ballast_bus_next answers, beside a negative errno. */
enum ballast_bus_answer {
    BALLAST_BUS_NOTHING = 0,    /* no record within the timeout */
    BALLAST_BUS_RECORD = 1,     /* *record is filled */
    BALLAST_BUS_RESTARTED = 2,  /* a new writer; its records follow */
    BALLAST_BUS_WRITER_GONE = 3 /* told once: the writer has ended or died, or the file that has the
                                   name now cannot be read (see ballast_bus_error); maybe another
                                   comes */
};

/* The next record, in order. timeout_ms: 0 looks and returns, -1 waits for ever. A new writer and a
 * writer's end are seen within one heartbeat of it (1 s). Errors: -EIO (the file was damaged; close
 * the handle). */
int ballast_bus_next(ballast_bus* bus, struct ballast_bus_record* record, int timeout_ms);

/* A descriptor for event loops: readable when ballast_bus_next may have something to tell, and at
 * least once a heartbeat. Then call that with timeout 0 until it answers BALLAST_BUS_NOTHING.
 * Belongs to the handle. Negative errno: it could not be had. Starts a thread. */
int ballast_bus_fd(ballast_bus* bus);

/* Which file is read: the path given to ballast_bus_open. Belongs to the handle. Which one a daemon
 * writes, /api/v1/status and `ballastctl status` tell. */
const char* ballast_bus_path(const ballast_bus* bus);

/* Records lost since the handle was opened. Those of a writer that came and went while this reader
 * looked at neither are not known to anybody: they are not counted. */
uint64_t ballast_bus_lost(const ballast_bus* bus);
/* The last error, for people; "" if there was none. Valid until the next call. */
const char* ballast_bus_error(const ballast_bus* bus);

#ifdef __cplusplus
}
#endif

#endif
