#define _GNU_SOURCE
#include "bus/fault_guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { places = 1024 };

/* Read by the handler: a place is filled before `start` is set, and `start` is cleared first. */
static struct guarded {
    atomic_uintptr_t start; /* 0: free; 1: being filled */
    size_t size;
    int protection;
    volatile bool *damaged;
} guarded[places];

static struct sigaction before;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static uintptr_t page_size;

static void pass_on(int signal, siginfo_t *info, void *context) {
    if ((before.sa_flags & SA_SIGINFO) != 0) {
        before.sa_sigaction(signal, info, context);
    } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
        before.sa_handler(signal);
    } else {
        /* As if nobody had been here: the access faults again when this returns; what was sent is
         * sent again. */
        sigaction(signal, &before, NULL);
        if (info->si_code <= 0) raise(signal);
    }
}

static void on_bus_error(int signal, siginfo_t *info, void *context) {
    const bool sent = info->si_code <= 0; /* by a process: there is no address */
    const uintptr_t address = (uintptr_t)info->si_addr;
    for (int i = 0; !sent && i < places; ++i) {
        struct guarded *const each = &guarded[i];
        const uintptr_t start = atomic_load(&each->start);
        if (start <= 1 || address < start || address - start >= each->size) continue;
        void *const page = (void *)(address & ~(page_size - 1));
        if (mmap(page, page_size, each->protection, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1,
                 0) == MAP_FAILED)
            break;
        *each->damaged = true;
        return;
    }
    pass_on(signal, info, context);
}

static void install(void) {
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
}

int bus_guard(const void *start, size_t size, int protection, volatile bool *damaged) {
    pthread_once(&once, install);
    for (int i = 0; i < places; ++i) {
        uintptr_t free_place = 0;
        if (!atomic_compare_exchange_strong(&guarded[i].start, &free_place, 1)) continue;
        guarded[i].size = size;
        guarded[i].protection = protection;
        guarded[i].damaged = damaged;
        atomic_store(&guarded[i].start, (uintptr_t)start);
        return i;
    }
    return -1;
}

void bus_unguard(int place) {
    if (place >= 0) atomic_store(&guarded[place].start, 0);
}
