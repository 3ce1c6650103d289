/* The binary interface between Ballast and a hypervisor backend that is loaded while the daemon
 * runs. C11; needs no other header of Ballast. docs/writing_a_backend.md explains it with an
 * example.
 *
 * A module is a shared object with one data symbol, `ballast_module`. The host looks at its magic,
 * version, size and feature words before it calls anything.
 *
 * Calls on one instance come one at a time: `create` and `destroy` on any thread, all others on the
 * control loop's. A module may have threads of its own between start and stop; they may call the
 * host's functions, and must have ended when stop returns. No C++ exception may leave a module.
 *
 * Structures grow at their end only. Where one has a `size`, the side that made it wrote there what
 * it knows of; the other side reads no further. Texts are UTF-8. Times are nanoseconds on the
 * host's clock, which need not be the machine's.
 */
#ifndef BALLAST_MODULE_ABI_H
#define BALLAST_MODULE_ABI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "BALLASTM", read as a little-endian number. */
#define BALLAST_MODULE_MAGIC UINT64_C(0x4d5453414c4c4142)
/* Raised when an old module could no longer be understood. */
#define BALLAST_MODULE_VERSION 1u

/* What a call answers. Anything else counts as BALLAST_BAD_DATA. */
enum ballast_status {
    BALLAST_OK = 0,
    BALLAST_INVALID_ARGUMENT = 1, /* will never work as configured */
    BALLAST_UNAVAILABLE = 2,      /* the hypervisor is not there; the host tries again */
    BALLAST_TIMED_OUT = 3,
    BALLAST_BAD_DATA = 4, /* the hypervisor answered something impossible */
    BALLAST_REFUSED = 5,
    BALLAST_IO = 6
};

/* Made by the host; the module fills it when it answers anything but BALLAST_OK. */
struct ballast_error {
    int32_t sys_errno; /* an errno value, or 0 */
    char text[512];    /* ends with a 0; for people */
};

/* ---- what the module can do: ballast_module.features ---- */

/* `next_event_at` and `advance` are there: a simulated hypervisor. */
#define BALLAST_FEATURE_SIMULATED (UINT64_C(1) << 0)
/* `adopt` is there. */
#define BALLAST_FEATURE_ADOPT (UINT64_C(1) << 1)
/* `carried_books` and `keep_books` are there. */
#define BALLAST_FEATURE_BOOKS (UINT64_C(1) << 2)

/* ---- what a module needs of the host: ballast_module.needs. None yet. ---- */

/* ---- settings ---- */

enum ballast_setting_type {
    BALLAST_SETTING_TEXT = 0,
    BALLAST_SETTING_INTEGER = 1, /* decimal, between minimum and maximum */
    BALLAST_SETTING_BOOLEAN = 2  /* "true" or "false" */
};

/* One setting that the module understands. The host refuses others and values out of range before
 * it calls `create`, and fills in the defaults. */
struct ballast_setting_schema {
    const char* name; /* [a-z][a-z0-9_]* */
    const char* description;
    const char* default_value; /* NULL: has to be given */
    int32_t type;              /* enum ballast_setting_type */
    int64_t minimum, maximum;  /* both 0: any */
};

struct ballast_setting {
    const char* name;
    const char* value;
};

/* Lives until `create` returns. */
struct ballast_config {
    uint32_t size;
    uint32_t setting_count;
    const struct ballast_setting* settings; /* every setting of the schema, in its order */
    /* The daemon's whole configuration, already checked; for simulators, whose scenario is part of
     * it. */
    const char* text;
    size_t text_size;
};

/* ---- what the host offers ---- */

enum ballast_log_level {
    BALLAST_LOG_DEBUG = 0,
    BALLAST_LOG_INFO = 1,
    BALLAST_LOG_WARNING = 2,
    BALLAST_LOG_ERROR = 3
};

enum ballast_event_kind {
    BALLAST_EVENT_DOMAIN_CAME = 0,
    BALLAST_EVENT_DOMAIN_WENT = 1,
    BALLAST_EVENT_DOMAIN_PAUSED = 2,
    BALLAST_EVENT_DOMAIN_RESUMED = 3,
    BALLAST_EVENT_OOM = 4,             /* the guest ran out of memory and took back `bytes` */
    BALLAST_EVENT_BALLOON_CHANGED = 5, /* `loaned_bytes` changed, by whomever */
    BALLAST_EVENT_HOTPLUG_BEGAN = 6,   /* memory hotplug */
    BALLAST_EVENT_HOTPLUG_ENDED = 7,   /* `bytes` = memory that came or went */
    BALLAST_EVENT_HOTPLUG_CANCELLED = 8,
    BALLAST_EVENT_MIGRATION_BEGAN = 9,
    BALLAST_EVENT_MIGRATION_ENDED = 10,
    BALLAST_EVENT_BACKEND_LOST = 11, /* the connection to the hypervisor broke; no domain */
    BALLAST_EVENT_BACKEND_BACK = 12,
    BALLAST_EVENT_GUEST_REBOOTED = 13, /* everything lent is with the guest again */
    BALLAST_EVENT_PAGE_MIGRATED = 14,
    BALLAST_EVENT_MOVE_FAILED = 15,  /* a step that was accepted came to nothing */
    BALLAST_EVENT_SET_BY_OTHERS = 16 /* somebody else set the balloon: `loaned_bytes` by that */
};

/* A figure that the guest or the hypervisor did not tell. */
#define BALLAST_UNKNOWN_BYTES UINT64_MAX

struct ballast_event {
    uint32_t size;
    int32_t kind; /* enum ballast_event_kind */
    int64_t at_ns;
    uint8_t domain[16];    /* all 0: of the whole backend */
    uint64_t bytes;        /* see the kind */
    uint64_t loaned_bytes; /* after the event, or BALLAST_UNKNOWN_BYTES */
    const char* detail;    /* for people; may be NULL */
    /* Of BALLAST_EVENT_MOVE_FAILED, enum ballast_constraint: why. A module whose structure ends
     * before it tells BALLAST_CONSTRAINT_BACKEND_ERROR. */
    int32_t constraint;
    int32_t reserved;
};

/* Outlives the instance. Any thread may call its functions, which never call back. */
struct ballast_host {
    uint32_t size;
    uint32_t version; /* BALLAST_MODULE_VERSION of the host */
    void* context;    /* to be passed to each function */
    int64_t (*now_ns)(void* context);
    int64_t (*wall_now_ns)(void* context); /* Unix time */
    void (*log)(void* context, int32_t level, const char* text);
    /* What happened in the hypervisor. Between start and stop; takes a short lock. */
    void (*report)(void* context, const struct ballast_event* event);
};

/* ---- what the module tells ---- */

struct ballast_capabilities {
    char description[256];    /* one line for people; ends with a 0 */
    uint64_t max_step_bytes;  /* the most one step should move; 0 = any */
    uint8_t reports_requests; /* loan_request_bytes is the hypervisor's own wish */
    uint8_t reports_oom;      /* tells each OOM as an event; else the host infers them */
    uint8_t asynchronous;     /* `apply` only asks; the guest moves later */
    uint8_t reserved[5];
};

/* States of a domain: a set of bits. */
#define BALLAST_DOMAIN_PAUSED (1u << 0)
#define BALLAST_DOMAIN_MIGRATING (1u << 1)
#define BALLAST_DOMAIN_HOTPLUG (1u << 2)
#define BALLAST_DOMAIN_NO_DRIVER (1u << 3)      /* no balloon device, or nobody answers it */
#define BALLAST_DOMAIN_STALE_STATS (1u << 4)    /* statistics missing or too old to act on */
#define BALLAST_DOMAIN_PINNED_MEMORY (1u << 5)  /* lending frees nothing */
#define BALLAST_DOMAIN_DEFLATE_ON_OOM (1u << 6) /* the guest takes memory back by itself */
#define BALLAST_DOMAIN_STARTING (1u << 7)       /* its figures are not settled */
#define BALLAST_DOMAIN_UNANSWERED (1u << 8)     /* the hypervisor did not answer for it */
#define BALLAST_DOMAIN_CARRIED_OVER (1u << 9)   /* restored or migrated: its balloon is as it was */
#define BALLAST_DOMAIN_CRASHED (1u << 10)       /* the guest's kernel is gone */
#define BALLAST_DOMAIN_SAVING (1u << 11)        /* its memory is being written out */
#define BALLAST_DOMAIN_NO_STATS (1u << 12)      /* guest statistics never came */
#define BALLAST_DOMAIN_BAD_STATS (1u << 13)     /* guest statistics contradict each other */
/* Statistics may be of before the balloon's last move. To be set where they come more than two
 * seconds after it: others are taken for those of after it. */
#define BALLAST_DOMAIN_LATE_STATS (1u << 14)

/* The domains' figures, a column each, `rows` long. The host owns the memory; what the last
 * observation wrote is still there. */
struct ballast_columns {
    uint64_t rows;
    uint8_t (*key)[16];          /* what identifies the domain while it is defined: its UUID */
    uint8_t* page_shift;         /* log2 of the guest's page size, 12 to 24 */
    uint16_t* flags;             /* BALLAST_DOMAIN_* */
    uint64_t* total_bytes;       /* of the domain, lent memory included */
    uint64_t* loaned_bytes;      /* what the guest has really given; at most total_bytes */
    int64_t* loan_request_bytes; /* the hypervisor's own request, 0 = none; below 0: wants back */
    uint64_t* unused_bytes;      /* the guest's MemFree, or BALLAST_UNKNOWN_BYTES */
    uint64_t* usable_bytes;      /* the guest's MemAvailable, or BALLAST_UNKNOWN_BYTES */
};

/* A NUMA node of the host. Sizes may be BALLAST_UNKNOWN_BYTES. */
struct ballast_node {
    uint32_t id; /* 0 to 63 */
    uint32_t reserved;
    uint64_t total_bytes;
    uint64_t free_bytes;
    uint64_t available_bytes; /* what it could hand out without swapping */
};

/* Made by the host. Every observation writes all columns but `key`, and names and keys whenever
 * rows came, went, moved or were renamed; it then also raises `membership`. */
struct ballast_observation {
    uint32_t size;
    uint32_t reserved;
    void* context; /* the host's own */
    /* Makes the columns `rows` long and `columns` point to them; new rows are zero. 0, or -1 where
     * there is no memory for so many. */
    int32_t (*resize)(struct ballast_observation* observation, uint64_t rows);
    /* Names a row; the host copies the text. 1 to 255 bytes. */
    void (*set_name)(struct ballast_observation* observation, uint64_t row, const char* name);
    struct ballast_columns columns;
    uint64_t membership;
    int64_t at_ns;
    uint64_t host_total_bytes;     /* or BALLAST_UNKNOWN_BYTES */
    uint64_t host_available_bytes; /* what can be handed out without swapping */
    /* Two more columns: the guest's major page faults since it started, and what the host really
     * holds for the domain. Left alone they tell BALLAST_UNKNOWN_BYTES. */
    uint64_t* major_faults;
    uint64_t* resident_bytes;
    /* Of the host, BALLAST_UNKNOWN_BYTES where left alone. */
    uint64_t host_swap_total_bytes;
    uint64_t host_swap_free_bytes;
    uint64_t host_memory_stall_us; /* some task stood still for want of memory, since its start */
    /* Three more columns: page cache that the guest could drop, and what it swapped in and out
     * since it started. Left alone they tell BALLAST_UNKNOWN_BYTES. */
    uint64_t* cache_bytes;
    uint64_t* swapped_in_bytes;
    uint64_t* swapped_out_bytes;
    /* One more column: the nodes that a domain's memory has to come from, a bit each; 0, and left
     * alone: any, or not known. */
    uint64_t* node_mask;
    /* Room for `node_room` nodes; the module writes how many it told, each once, by number. Left
     * alone: none. */
    struct ballast_node* nodes;
    uint32_t node_room;
    uint32_t node_count;
    /* Two more columns: how old the guest's figures are, in milliseconds, and the most that the
     * domain may keep before the memory cgroup around it is full. Left alone they tell
     * BALLAST_UNKNOWN_BYTES: not known, and no limit. */
    uint64_t* stats_age_ms;
    uint64_t* limit_bytes;
    /* Names the host that a row's domain is on, where the module looks after several; the host
     * copies the text, at most 255 bytes of it. Called with the row's name. Left alone: there is
     * one host, which needs no name. */
    void (*set_host)(struct ballast_observation* observation, uint64_t row, const char* host);
};

/* Loaned bytes of one domain to go from and to; to > from inflates. Both are whole guest pages. */
struct ballast_step {
    uint32_t size;
    uint32_t reserved;
    uint64_t row;       /* in the last observation */
    uint8_t domain[16]; /* of that row; answer BALLAST_STEP_GONE if it is another by now */
    uint64_t loaned_from_bytes;
    uint64_t loaned_to_bytes;
};

enum ballast_step_status {
    BALLAST_STEP_DONE = 0, /* all was moved; loaned_bytes is less than loaned_to_bytes only by what
                              the guest took back meanwhile, which an event tells */
    BALLAST_STEP_ACCEPTED = 1, /* asked for; observe will tell */
    BALLAST_STEP_PARTIAL = 2,  /* loaned_bytes says how much */
    BALLAST_STEP_REFUSED = 3,  /* nothing moved, by the hypervisor's or the guest's decision */
    BALLAST_STEP_GONE = 4,
    BALLAST_STEP_FAILED = 5 /* the backend broke */
};

/* Why a step stopped short. */
enum ballast_constraint {
    BALLAST_CONSTRAINT_NONE = 0,
    BALLAST_CONSTRAINT_BACKEND_ERROR = 1,
    BALLAST_CONSTRAINT_PAUSED = 2,
    BALLAST_CONSTRAINT_MIGRATING = 3,
    BALLAST_CONSTRAINT_HOTPLUG = 4,
    BALLAST_CONSTRAINT_NO_DRIVER = 5,
    BALLAST_CONSTRAINT_STUCK = 6,
    BALLAST_CONSTRAINT_MIN_MEM = 7
};

/* Made by the host; the module fills it. */
struct ballast_outcome {
    int32_t status;        /* enum ballast_step_status */
    int32_t constraint;    /* enum ballast_constraint */
    uint64_t loaned_bytes; /* after the step; for ACCEPTED the figure before */
    char detail[256];      /* ends with a 0; for people */
};

struct ballast_guest_tunables {
    uint32_t size;
    uint32_t reserved;
    uint64_t oom_release_bytes; /* what the guest's OOM notifier frees at once */
};

/* A loan that another backend made and this one takes over. */
struct ballast_loan {
    uint8_t domain[16];
    uint64_t loaned_bytes;
};

/* Books that the hypervisor keeps with a domain, and that migrate with it. */
struct ballast_books {
    uint32_t size;
    uint32_t reserved;
    uint64_t original_loaned_bytes; /* lent before Ballast came; not its to give back */
    uint64_t oom_freed_bytes;       /* the OOM credit */
};

struct ballast_backend_module {
    uint64_t magic;    /* BALLAST_MODULE_MAGIC */
    uint32_t version;  /* BALLAST_MODULE_VERSION */
    uint32_t size;     /* sizeof(struct ballast_backend_module) */
    uint64_t features; /* BALLAST_FEATURE_* */
    uint64_t needs;    /* none yet: 0 */
    const char* name;  /* the kind of backend, "libvirt": [a-z][a-z0-9_-]*, at most 31 bytes */
    const char* description;    /* one line */
    const char* module_version; /* the module's own, "1.4.0" */
    const struct ballast_setting_schema* settings;
    uint64_t setting_count;

    /* Makes an instance, and touches nothing outside of the process. Blocks for no longer than it
     * takes to read files. */
    int32_t (*create)(const struct ballast_host* host, const struct ballast_config* config,
                      void** instance, struct ballast_error* error);
    /* After stop, or where start was never called. Afterwards nothing of the module may run any
     * more, in no thread and no library's callback: its code is unmapped. */
    void (*destroy)(void* instance);
    /* Constant while the instance lives; never blocks. Any thread. */
    void (*capabilities)(void* instance, struct ballast_capabilities* into);
    /* Connects. BALLAST_UNAVAILABLE: not there yet, `observe` will try again. May come again after
     * stop. */
    int32_t (*start)(void* instance, struct ballast_error* error);
    /* Disconnects; no event after it. What is lent stays lent. May come more than once. */
    void (*stop)(void* instance);
    /* One bulk observation of all domains, within seconds at most. */
    int32_t (*observe)(void* instance, struct ballast_observation* into,
                       struct ballast_error* error);
    /* One bounded move, within seconds at most. */
    void (*apply)(void* instance, const struct ballast_step* step, struct ballast_outcome* into);
    void (*set_guest_tunables)(void* instance, const uint8_t domain[16],
                               const struct ballast_guest_tunables* tunables);

    /* BALLAST_FEATURE_SIMULATED, else NULL. When something next happens by itself; INT64_MAX =
     * nothing. */
    int64_t (*next_event_at_ns)(void* instance);
    /* Lets everything up to the host's now happen. */
    void (*advance)(void* instance);

    /* BALLAST_FEATURE_ADOPT, else NULL. After start and before the first observation, where this
     * instance replaces another: what the domains lend. For hypervisors that live in the module. */
    void (*adopt)(void* instance, const struct ballast_loan* loans, uint64_t count);

    /* BALLAST_FEATURE_BOOKS, else NULL both. Neither blocks. 1: what is kept with the domain, as
     * far as is known; 0: nothing is. */
    int32_t (*carried_books)(void* instance, const uint8_t domain[16], struct ballast_books* into);
    /* What is to be kept from now on; NULL: nothing. */
    void (*keep_books)(void* instance, const uint8_t domain[16], const struct ballast_books* books);
};

/* What a module defines. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
extern const struct ballast_backend_module ballast_module;

#ifdef __cplusplus
}
#endif

#endif
