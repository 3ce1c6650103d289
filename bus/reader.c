#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "bus/ballast_bus.h"
#include "bus/fault_guard.h"
#include "bus/format.h"

/* Where nobody can be woken: how long a wait sleeps before it looks again. */
#define POLL_NS INT64_C(2000000)
/* How long the descriptor's thread may take to see that it has to end. */
#define HELPER_NS INT64_C(100000000)

/* How many records before they are read they are fetched from memory. */
#define FETCHED_AHEAD 8

/* One file, mapped; its geometry is copied once it is checked, and never read again. */
struct mapping {
    const unsigned char *start;
    size_t size;
    int guard;
    dev_t device;
    ino_t inode;
    uint32_t slot_size;
    uint32_t slot_count;
    uint32_t most_payload; /* bytes that a slot, and a record here, have room for */
    uint64_t epoch;
    bool writer_locks; /* its lock file, for as long as it lives */
    atomic_uint *waiting; /* in a file of its own; NULL: not to be written */
    int waiting_guard;
};

struct ballast_bus {
    char *path;
    unsigned flags;
    struct mapping file;
    uint64_t position; /* of the next record */
    uint64_t head;     /* as last looked up: what is before it has been published */
    uint64_t lost;
    uint64_t lost_now; /* not told yet */
    int lock; /* the writer's lock file, or -1 */
    int64_t next_look_ns; /* when to look after the writer again */
    bool told_gone;
    volatile bool damaged;
    volatile bool waiting_damaged;
    char error[256];

    int event;
    pthread_t helper;
    atomic_bool helper_ends;
};

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

__attribute__((format(printf, 3, 4))) static int failed(ballast_bus *bus, int error,
                                                        const char *text, ...) {
    va_list arguments;
    va_start(arguments, text);
    vsnprintf(bus->error, sizeof bus->error, text, arguments);
    va_end(arguments);
    return -error;
}

static const struct bus_header *header_of(const struct mapping *file) {
    return (const struct bus_header *)file->start;
}

static uint64_t load64(const uint64_t *from, int order) {
    return __atomic_load_n(from, order);
}

static const struct bus_slot *slot_of(const struct mapping *file, uint64_t position) {
    const uint64_t index = position & (file->slot_count - 1);
    return (const struct bus_slot *)(file->start + BUS_HEADER_SIZE + index * file->slot_size);
}

/* --- opening */

static void unmap(struct mapping *file) {
    bus_unguard(file->guard);
    bus_unguard(file->waiting_guard);
    if (file->waiting != NULL) munmap(file->waiting, BUS_HEADER_SIZE);
    if (file->start != NULL) munmap((void *)file->start, file->size);
    *file = (struct mapping){.guard = -1, .waiting_guard = -1};
}

/* Copies the geometry out, if it is one and lies in the file. */
static int check(ballast_bus *bus, struct mapping *file) {
    const struct bus_header *const header = header_of(file);
    const uint64_t magic = load64(&header->magic, __ATOMIC_ACQUIRE);
    if (magic != BUS_MAGIC)
        return failed(bus, EPROTO, "%s: not an event bus: it begins with %016llx, expected %016llx",
                      bus->path, (unsigned long long)magic, (unsigned long long)BUS_MAGIC);
    if (header->version != BUS_VERSION)
        return failed(bus, EPROTO, "%s: version %u of the event bus, expected %u", bus->path,
                      header->version, BUS_VERSION);
    const uint32_t slot_size = header->slot_size;
    const uint32_t slot_count = header->slot_count;
    if (header->header_size != BUS_HEADER_SIZE || slot_size < 128 || slot_size % 128 != 0 ||
        slot_size > 65536 || slot_count < 2 || slot_count > BUS_MAX_SLOTS ||
        (slot_count & (slot_count - 1)) != 0)
        return failed(bus, EPROTO, "%s: %u slots of %u bytes after %u, which no event bus has",
                      bus->path, slot_count, slot_size, header->header_size);
    const uint64_t needed = BUS_HEADER_SIZE + (uint64_t)slot_count * slot_size;
    if (needed > file->size)
        return failed(bus, EPROTO, "%s: %zu bytes long, expected %llu for %u slots of %u bytes",
                      bus->path, file->size, (unsigned long long)needed, slot_count, slot_size);
    file->slot_size = slot_size;
    file->slot_count = slot_count;
    const uint32_t room = slot_size - BUS_SLOT_HEADER_SIZE;
    file->most_payload = room < BALLAST_BUS_MAX_PAYLOAD ? room : BALLAST_BUS_MAX_PAYLOAD;
    file->epoch = header->epoch;
    file->writer_locks = header->holds_lock == 1;
    return bus->damaged ? failed(bus, EIO, "%s: shrank while it was opened", bus->path) : 0;
}

/* The flag by which readers ask to be woken; without it they look now and then. */
static void map_waiting(ballast_bus *bus, struct mapping *file) {
    char name[PATH_MAX];
    if ((size_t)snprintf(name, sizeof name, "%s.wait", bus->path) >= sizeof name) return;
    const int fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return;
    struct stat about;
    if (fstat(fd, &about) == 0 && S_ISREG(about.st_mode) && about.st_size >= BUS_HEADER_SIZE) {
        void *const start =
            mmap(NULL, BUS_HEADER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (start != MAP_FAILED) {
            file->waiting = start;
            if ((bus->flags & BALLAST_BUS_NO_SIGBUS) == 0)
                file->waiting_guard = bus_guard(start, BUS_HEADER_SIZE, PROT_READ | PROT_WRITE,
                                                &bus->waiting_damaged);
        }
    }
    close(fd);
}

static int map_open(ballast_bus *bus, int fd, struct mapping *file) {
    struct stat about;
    if (fstat(fd, &about) != 0)
        return failed(bus, errno, "%s: %s", bus->path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return failed(bus, EPROTO, "%s: not a regular file, expected an event bus", bus->path);
    if (about.st_size < (off_t)BUS_HEADER_SIZE)
        return failed(bus, EPROTO, "%s: %lld bytes long, expected an event bus", bus->path,
                      (long long)about.st_size);
    file->size = (size_t)about.st_size;
    file->device = about.st_dev;
    file->inode = about.st_ino;
    void *const start = mmap(NULL, file->size, PROT_READ, MAP_SHARED, fd, 0);
    if (start == MAP_FAILED)
        return failed(bus, errno, "%s: cannot be mapped: %s", bus->path, strerror(errno));
    file->start = start;
    if ((bus->flags & BALLAST_BUS_NO_SIGBUS) == 0)
        file->guard = bus_guard(start, file->size, PROT_READ, &bus->damaged);
    if ((bus->flags & BALLAST_BUS_NO_SIGBUS) == 0 && file->guard < 0)
        return failed(bus, EMFILE, "%s: too many buses are open in this process", bus->path);
    return check(bus, file);
}

static int map_file(ballast_bus *bus, struct mapping *file) {
    *file = (struct mapping){.guard = -1, .waiting_guard = -1};
    bus->damaged = false;
    bus->waiting_damaged = false;
    /* Not to wait for a FIFO's other end. */
    const int fd = open(bus->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return failed(bus, errno, "%s: %s", bus->path, strerror(errno));
    const int mapped = map_open(bus, fd, file);
    close(fd);
    if (mapped != 0) {
        unmap(file);
        return mapped;
    }
    map_waiting(bus, file);
    return 0;
}

/* Where a reader of this file begins: with its oldest record, or the next one. */
static uint64_t oldest(const struct mapping *file) {
    const uint64_t head = load64(&header_of(file)->head, __ATOMIC_ACQUIRE);
    /* The slot that is written next is about to be lost. */
    return head < file->slot_count ? 0 : head - file->slot_count + 1;
}

static void open_lock(ballast_bus *bus) {
    char name[PATH_MAX];
    if ((size_t)snprintf(name, sizeof name, "%s.lock", bus->path) < sizeof name)
        bus->lock = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

int ballast_bus_open(ballast_bus **out, const char *path, unsigned flags) {
    ballast_bus *const bus = calloc(1, sizeof *bus);
    *out = bus;
    if (bus == NULL) return -ENOMEM;
    bus->flags = flags;
    bus->lock = -1;
    bus->event = -1;
    bus->file = (struct mapping){.guard = -1, .waiting_guard = -1};
    bus->path = strdup(path);
    if (bus->path == NULL) return failed(bus, ENOMEM, "no memory");
    const int mapped = map_file(bus, &bus->file);
    if (mapped != 0) return mapped;
    bus->position = (flags & BALLAST_BUS_FROM_OLDEST) != 0
                        ? oldest(&bus->file)
                        : load64(&header_of(&bus->file)->head, __ATOMIC_ACQUIRE);
    open_lock(bus);
    return 0;
}

void ballast_bus_close(ballast_bus *bus) {
    if (bus == NULL) return;
    if (bus->event >= 0) {
        atomic_store(&bus->helper_ends, true);
        pthread_join(bus->helper, NULL);
        close(bus->event);
    }
    if (bus->lock >= 0) close(bus->lock);
    unmap(&bus->file);
    free(bus->path);
    free(bus);
}

/* --- reading */

/* The slots are written while they are read: by words, which are never torn. Copies whole words. */
static void copy_words(void *into, const uint64_t *from, uint32_t bytes) {
    uint64_t *const to = into;
    for (uint32_t i = 0; i < (bytes + 7) / 8; ++i) to[i] = load64(&from[i], __ATOMIC_RELAXED);
}

/* Position `bus->position` was overwritten: goes on with the oldest that will last a while. */
static void catch_up(ballast_bus *bus) {
    const struct mapping *const file = &bus->file;
    const uint64_t head = load64(&header_of(file)->head, __ATOMIC_ACQUIRE);
    /* Halfway, so that it is not overrun again at once. */
    uint64_t next = head > file->slot_count / 2 ? head - file->slot_count / 2 : 0;
    if (next <= bus->position) next = bus->position + 1; /* a head that makes no sense */
    bus->lost += next - bus->position;
    bus->lost_now += next - bus->position;
    bus->position = next;
    bus->head = head;
}

static bool try_read(ballast_bus *bus, struct ballast_bus_record *record) {
    const struct mapping *const file = &bus->file;
    for (;;) {
        /* Looks at the slots that are written now would only slow the writer down. */
        if (bus->position >= bus->head) {
            bus->head = load64(&header_of(file)->head, __ATOMIC_ACQUIRE);
            if (bus->position >= bus->head) return false;
        }
        const struct bus_slot *const slot = slot_of(file, bus->position);
        const uint64_t whole = 2 * bus->position + 2;
        const uint64_t stamp = load64(&slot->stamp, __ATOMIC_ACQUIRE);
        if (stamp < whole) return false;
        if (stamp > whole) {
            catch_up(bus);
            continue;
        }
        if (bus->position + FETCHED_AHEAD < bus->head) {
            /* They are in the writer's cache, which is far away. */
            const unsigned char *const soon =
                (const unsigned char *)slot_of(file, bus->position + FETCHED_AHEAD);
            __builtin_prefetch(soon);
            __builtin_prefetch(soon + 64);
        }
        const uint64_t *const words = (const uint64_t *)slot;
        const uint64_t wall_ns = load64(&words[1], __ATOMIC_RELAXED);
        const uint64_t monotonic_ns = load64(&words[2], __ATOMIC_RELAXED);
        const uint64_t about = load64(&words[3], __ATOMIC_RELAXED);
        const uint32_t claimed = (uint32_t)about;
        const uint32_t size = claimed < file->most_payload ? claimed : file->most_payload;
        copy_words(record->payload.bytes, &words[BUS_SLOT_HEADER_SIZE / 8], size);
        /* What was copied was copied before the stamp is looked at again. */
        atomic_thread_fence(memory_order_acquire);
        if (load64(&slot->stamp, __ATOMIC_RELAXED) != whole) continue;
        if (bus->damaged) return false; /* part of it may be zeros that nobody wrote */
        record->epoch = file->epoch;
        record->position = bus->position;
        record->lost = bus->lost_now;
        record->wall_ns = (int64_t)wall_ns;
        record->monotonic_ns = (int64_t)monotonic_ns;
        record->type = (uint16_t)(about >> 32);
        record->version = (uint16_t)(about >> 48);
        record->size = size;
        bus->lost_now = 0;
        ++bus->position;
        return true;
    }
}

/* Whether somebody holds the writer's lock; where that is not to be known, whether its heart beats. */
static bool writer_lives(const ballast_bus *bus, int64_t now) {
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    if (bus->lock >= 0 && bus->file.writer_locks && fcntl(bus->lock, F_OFD_GETLK, &lock) == 0)
        return lock.l_type != F_UNLCK;
    const int64_t beat =
        __atomic_load_n(&header_of(&bus->file)->heartbeat_ns, __ATOMIC_RELAXED);
    return (uint64_t)now - (uint64_t)beat < 2 * (uint64_t)BUS_HEARTBEAT_NS; /* it may lie */
}

static bool has_new_file(const ballast_bus *bus) {
    struct stat about;
    return stat(bus->path, &about) == 0 &&
           (about.st_ino != bus->file.inode || about.st_dev != bus->file.device);
}

/* Goes on with the file that has the name now. */
static int follow(ballast_bus *bus) {
    struct mapping next;
    const bool damaged = bus->damaged;
    if (map_file(bus, &next) != 0) {
        /* Not fit to be read (yet): the old one stays. */
        bus->damaged = damaged;
        return BALLAST_BUS_NOTHING;
    }
    unmap(&bus->file);
    bus->file = next;
    bus->head = 0;
    bus->told_gone = false;
    bus->error[0] = '\0';
    if (bus->lock >= 0) close(bus->lock);
    bus->lock = -1;
    open_lock(bus);
    /* A ring that has come round already has lost its first records. */
    const uint64_t first = oldest(&bus->file);
    bus->lost += first;
    bus->lost_now += first;
    bus->position = first;
    return BALLAST_BUS_RESTARTED;
}

/* After the ring was empty: whether there is a new writer, or the old one has gone. */
static int look_after_writer(ballast_bus *bus, struct ballast_bus_record *record) {
    const bool superseded =
        __atomic_load_n(&header_of(&bus->file)->superseded, __ATOMIC_ACQUIRE) != 0;
    const int64_t now = now_ns();
    if (!superseded && now < bus->next_look_ns) return BALLAST_BUS_NOTHING;
    bus->next_look_ns = now + BUS_HEARTBEAT_NS / 2;
    bool unreadable = false; /* a new file has the name, and is none that can be read */
    if (has_new_file(bus)) {
        /* What the old writer published last. */
        if (try_read(bus, record)) return BALLAST_BUS_RECORD;
        const int followed = follow(bus);
        if (followed != BALLAST_BUS_NOTHING) return followed;
        unreadable = true;
    }
    const bool lives = !unreadable && writer_lives(bus, now);
    if (lives) bus->told_gone = false;
    if (lives || bus->told_gone) return BALLAST_BUS_NOTHING;
    if (try_read(bus, record)) return BALLAST_BUS_RECORD;
    bus->told_gone = true;
    return BALLAST_BUS_WRITER_GONE;
}

static bool is_there(const ballast_bus *bus) {
    if (load64(&header_of(&bus->file)->head, __ATOMIC_SEQ_CST) <= bus->position) return false;
    /* A head that lies must not keep us awake. */
    return load64(&slot_of(&bus->file, bus->position)->stamp, __ATOMIC_ACQUIRE) >=
           2 * bus->position + 2;
}

static void sleep_ns(int64_t span_ns) {
    const struct timespec span = {.tv_sec = span_ns / 1000000000, .tv_nsec = span_ns % 1000000000};
    nanosleep(&span, NULL);
}

static void futex_wait(const uint32_t *word, uint32_t seen, int64_t span_ns) {
    const struct timespec span = {.tv_sec = span_ns / 1000000000, .tv_nsec = span_ns % 1000000000};
    syscall(SYS_futex, word, FUTEX_WAIT, seen, &span, NULL, 0);
}

/* Until there is a record, or the writer or the time says to look. */
static void wait_a_while(ballast_bus *bus, int64_t most_ns) {
    const struct mapping *const file = &bus->file;
    if (file->waiting == NULL || bus->waiting_damaged) {
        sleep_ns(most_ns < POLL_NS ? most_ns : POLL_NS);
        return;
    }
    const struct bus_header *const header = header_of(file);
    const uint32_t seen = __atomic_load_n(&header->futex, __ATOMIC_SEQ_CST);
    /* Asked for before the last look: partner of the writer's look after its last store. */
    atomic_store_explicit(file->waiting, 1, memory_order_seq_cst);
    if (!is_there(bus)) futex_wait(&header->futex, seen, most_ns);
}

int ballast_bus_next(ballast_bus *bus, struct ballast_bus_record *record, int timeout_ms) {
    if (try_read(bus, record)) return BALLAST_BUS_RECORD;
    const int64_t deadline =
        timeout_ms > 0 ? now_ns() + (int64_t)timeout_ms * 1000000 : 0;
    for (;;) {
        if (bus->damaged) return failed(bus, EIO, "%s: shrank while it was read", bus->path);
        const int found = look_after_writer(bus, record);
        if (found != BALLAST_BUS_NOTHING) return found;
        if (timeout_ms == 0) break;
        int64_t most_ns = BUS_HEARTBEAT_NS / 2;
        if (timeout_ms > 0) {
            const int64_t left = deadline - now_ns();
            if (left <= 0) break;
            if (left < most_ns) most_ns = left;
        }
        wait_a_while(bus, most_ns);
        if (try_read(bus, record)) return BALLAST_BUS_RECORD;
    }
    if (bus->event >= 0) {
        /* Reset, then looked once more: what comes after the look sets it again. */
        uint64_t count = 0;
        const ssize_t got = read(bus->event, &count, sizeof count);
        (void)got;
        if (try_read(bus, record)) return BALLAST_BUS_RECORD;
    }
    return BALLAST_BUS_NOTHING;
}

/* --- for event loops */

/* Opens the bus for itself, and tells the descriptor of each record and of each heartbeat. */
static void *help(void *argument) {
    ballast_bus *const bus = argument;
    ballast_bus *own = NULL;
    struct ballast_bus_record record;
    const bool opened = ballast_bus_open(&own, bus->path, bus->flags & BALLAST_BUS_NO_SIGBUS) == 0;
    int64_t last_told = 0;
    while (!atomic_load(&bus->helper_ends)) {
        const int found = opened ? ballast_bus_next(own, &record, (int)(HELPER_NS / 1000000))
                                 : (sleep_ns(HELPER_NS), BALLAST_BUS_NOTHING);
        if (found < 0) sleep_ns(HELPER_NS);
        const int64_t now = now_ns();
        if (found == BALLAST_BUS_NOTHING && now - last_told < BUS_HEARTBEAT_NS / 2) continue;
        last_told = now;
        const uint64_t one = 1;
        const ssize_t told = write(bus->event, &one, sizeof one);
        (void)told;
        /* One telling is enough for all that is there. */
        while (opened && ballast_bus_next(own, &record, 0) == BALLAST_BUS_RECORD) {
        }
    }
    ballast_bus_close(own);
    return NULL;
}

int ballast_bus_fd(ballast_bus *bus) {
    if (bus->event >= 0) return bus->event;
    const int event = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK); /* something may be there already */
    if (event < 0) return failed(bus, errno, "no eventfd: %s", strerror(errno));
    bus->event = event;
    const int error = pthread_create(&bus->helper, NULL, help, bus);
    if (error != 0) {
        close(event);
        bus->event = -1;
        return failed(bus, error, "no thread: %s", strerror(error));
    }
    return event;
}

const char *ballast_bus_path(const ballast_bus *bus) {
    return bus->path;
}

uint64_t ballast_bus_lost(const ballast_bus *bus) {
    return bus->lost;
}

const char *ballast_bus_error(const ballast_bus *bus) {
    return bus->error;
}
