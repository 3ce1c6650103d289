/* Follows an event bus: a line for each record, what was lost, and the writer's coming and going.
 *
 *     cc $(pkg-config --cflags ballastbus) follow_bus.c $(pkg-config --libs ballastbus)
 *     ./a.out PATH [COUNT]          ends after COUNT records
 */
#include <ballast/ballast_bus.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void show(const struct ballast_bus_record *record) {
    if (record->lost > 0) printf("%" PRIu64 " lost\n", record->lost);
    switch (record->type) {
        case BALLAST_BUS_DECISION:
            printf("%s: lends %" PRIu64 " bytes, %s\n", record->payload.decision.domain.name,
                   record->payload.decision.loaned_after_bytes,
                   record->payload.decision.constraint);
            break;
        case BALLAST_BUS_OOM:
        case BALLAST_BUS_HOTPLUG:
        case BALLAST_BUS_MIGRATION:
        case BALLAST_BUS_DOMAIN:
            printf("%s: %s\n", record->payload.event.domain.name, record->payload.event.what);
            break;
        case BALLAST_BUS_BACKEND:
        case BALLAST_BUS_CONFIG:
            printf("%s\n", record->payload.notice.text);
            break;
        case BALLAST_BUS_TICK:
            printf("tick %" PRIu64 ": %" PRIu64 " domains lend %" PRIu64 " bytes\n",
                   record->payload.tick.tick, record->payload.tick.domains,
                   record->payload.tick.loaned_bytes);
            break;
        default: /* of a later version */
            break;
    }
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: follow_bus PATH [COUNT]\n");
        return 2;
    }
    const long count = argc == 3 ? atol(argv[2]) : -1;
    ballast_bus *bus;
    if (ballast_bus_open(&bus, argv[1], BALLAST_BUS_FROM_OLDEST) != 0) {
        fprintf(stderr, "%s\n", ballast_bus_error(bus));
        ballast_bus_close(bus);
        return 1;
    }
    int answer = 0;
    struct ballast_bus_record record;
    for (long seen = 0; seen != count;) {
        answer = ballast_bus_next(bus, &record, -1);
        if (answer < 0) break;
        if (answer == BALLAST_BUS_RESTARTED) printf("a new writer\n");
        if (answer == BALLAST_BUS_WRITER_GONE) printf("the writer has gone\n");
        if (answer != BALLAST_BUS_RECORD) continue;
        show(&record);
        ++seen;
    }
    if (answer < 0) fprintf(stderr, "%s\n", ballast_bus_error(bus));
    ballast_bus_close(bus);
    return answer < 0 ? 1 : 0;
}
