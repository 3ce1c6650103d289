/* Feeds the reader library files of any bytes, and changes the bytes while it reads them. The
 * first byte says how the input is used; the rest is the file. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bus/ballast_bus.h"
#include "bus/format.h"

enum { slots = 8, slot_size = 256, whole = BUS_HEADER_SIZE + slots * slot_size };

static char path[64];
static int file = -1;
static unsigned char *shared;

static void begin(void) {
    if (file >= 0) return;
    snprintf(path, sizeof path, "/tmp/bus-fuzz-%d", (int)getpid());
    file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, whole) != 0) abort();
    shared = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED) abort();
}

/* A header that passes, so that what follows is the ring's bytes. */
static void good_header(void) {
    struct bus_header header = {.magic = BUS_MAGIC,
                                .version = BUS_VERSION,
                                .header_size = BUS_HEADER_SIZE,
                                .slot_size = slot_size,
                                .slot_count = slots,
                                .epoch = 1};
    memcpy(shared, &header, sizeof header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    begin();
    if (size < 1) return 0;
    const uint8_t how = data[0];
    ++data;
    --size;
    memset(shared, 0, whole);
    if ((how & 1) != 0) {
        /* Everything, the header too. */
        memcpy(shared, data, size < whole ? size : whole);
    } else {
        /* Of the header what changes; and the slots. */
        good_header();
        const size_t changing = 32;
        memcpy(shared + 128, data, size < changing ? size : changing);
        if (size > changing) {
            const size_t rest = size - changing;
            memcpy(shared + BUS_HEADER_SIZE, data + changing,
                   rest < whole - BUS_HEADER_SIZE ? rest : whole - BUS_HEADER_SIZE);
        }
    }
    ballast_bus *bus = NULL;
    const unsigned flags = (how & 2) != 0 ? BALLAST_BUS_FROM_OLDEST : 0;
    if (ballast_bus_open(&bus, path, flags) == 0) {
        struct ballast_bus_record record;
        for (size_t i = 0; i < 40; ++i) {
            const int answer = ballast_bus_next(bus, &record, 0);
            if (answer < 0) break;
            if (answer == BALLAST_BUS_RECORD && record.size > BALLAST_BUS_MAX_PAYLOAD) abort();
            /* Another writer's stores, in the middle of it. */
            if (size > 0)
                shared[(BUS_HEADER_SIZE + data[i % size] * 31u + i * 8) % whole] ^= data[i % size];
        }
    }
    ballast_bus_close(bus);
    return 0;
}
