#include "probe/srcu.h"

#include <sched.h>

namespace ballast::probe {

std::uint32_t cpu_hint() noexcept {
    const int cpu = sched_getcpu();
    return cpu < 0 ? 0 : static_cast<std::uint32_t>(cpu);
}

}  // namespace ballast::probe
