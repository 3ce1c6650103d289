#include "base/membarrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/restartable.h"

namespace ballast {
namespace {

long membarrier(int command) {
    return syscall(SYS_membarrier, command, 0, 0);
}

bool registered(int command, int registration) {
    const long known = membarrier(MEMBARRIER_CMD_QUERY);
    return known >= 0 && (known & command) != 0 && membarrier(registration) == 0;
}

void must(int command) {
    if (membarrier(command) == 0) return;
    // Registered, so it cannot fail. Without it, code may be unmapped under its users.
    std::perror("membarrier");
    std::abort();
}

}  // namespace

bool has_membarrier() noexcept {
    static const bool has =
        registered(MEMBARRIER_CMD_PRIVATE_EXPEDITED, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
    return has;
}

bool has_membarrier_rseq() noexcept {
#ifdef BALLAST_HAVE_RSEQ
    static const bool has = registered(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ,
                                       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ);
    return has && __rseq_size > 0;
#else
    return false;
#endif
}

void membarrier_all_threads() noexcept {
    must(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

void membarrier_restart_sequences() noexcept {
    must(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ);
}

}  // namespace ballast
