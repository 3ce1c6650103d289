/* The bus's file, as docs/bus_format.md describes it. For the writer and for the reader library. */
#ifndef BALLAST_BUS_FORMAT_H
#define BALLAST_BUS_FORMAT_H

#include <stdint.h>

#define BUS_MAGIC UINT64_C(0x3153554254534c42) /* "BLSTBUS1" */
#define BUS_VERSION 1u
#define BUS_HEADER_SIZE 4096u
#define BUS_SLOT_SIZE 256u /* of this writer; a reader takes any multiple of 128 */
#define BUS_SLOT_HEADER_SIZE 32u
#define BUS_MAX_SLOTS (UINT32_C(1) << 24)
#define BUS_HEARTBEAT_NS INT64_C(1000000000)

/* Written once, before the file has its name; magic last. */
struct bus_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_size;
    uint32_t slot_size;
    uint32_t slot_count; /* a power of two */
    uint64_t epoch;
    unsigned char boot_id[16];
    int64_t created_wall_ns;
    uint32_t writer_pid;
    uint32_t holds_lock; /* 1: the writer lives as long as PATH.lock is locked; 0: ask its heart */
    uint64_t heartbeat_interval_ns;
    unsigned char padding[56];
    /* From here on it changes: at byte 128. */
    uint64_t head;        /* records published: the position of the next one */
    uint32_t futex;       /* changes with each batch */
    uint32_t superseded;  /* 1: another file has this one's name */
    int64_t heartbeat_ns; /* CLOCK_MONOTONIC */
};

struct bus_slot {
    uint64_t
        stamp; /* 2 * position + 1 while the record is written, 2 * position + 2 when it is whole */
    int64_t wall_ns;
    int64_t monotonic_ns;
    uint32_t size; /* of the payload */
    uint16_t type;
    uint16_t version;
    /* the payload */
};

#endif
