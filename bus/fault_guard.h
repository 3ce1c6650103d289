/* Keeps a process alive that reads a mapped file which somebody else has made shorter. */
#ifndef BALLAST_BUS_FAULT_GUARD_H
#define BALLAST_BUS_FAULT_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Guards a mapping: from now on a fault in it shows zeros in place of the page that is gone, which
 * *damaged tells. Any thread. Negative: all places are taken (it is not guarded then). */
int bus_guard(const void* start, size_t size, int protection, volatile bool* damaged);
/* Before the mapping goes. `place`: what bus_guard answered; a negative one is ignored. */
void bus_unguard(int place);

#ifdef __cplusplus
}
#endif

#endif
