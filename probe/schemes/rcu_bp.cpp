// liburcu's bulletproof flavour: threads register themselves at their first lock.
#include "probe/schemes/urcu.h"

#define _LGPL_SOURCE  // its read side inlined
#include <urcu/urcu-bp.h>

namespace ballast::probe {
namespace {

struct Bp {
    static NoToken lock(unsigned) {
        urcu_bp_read_lock();
        return {};
    }
    static void unlock(unsigned, NoToken) { urcu_bp_read_unlock(); }
    static void update() { urcu_bp_synchronize_rcu(); }
};

}  // namespace

Result<std::unique_ptr<Scheme>> make_rcu_bp(const Clock& clock) {
    return make_scheme<Bp>(clock);
}

}  // namespace ballast::probe
