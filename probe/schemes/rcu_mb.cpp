// liburcu's flavour with a memory barrier in every lock and unlock.
#include "probe/schemes/urcu.h"

#define _LGPL_SOURCE  // its read side inlined
#include <urcu/urcu-mb.h>

namespace ballast::probe {
namespace {

struct Mb {
    static void enter(unsigned) { urcu_mb_register_thread(); }
    static void leave(unsigned) { urcu_mb_unregister_thread(); }
    static NoToken lock(unsigned) {
        urcu_mb_read_lock();
        return {};
    }
    static void unlock(unsigned, NoToken) { urcu_mb_read_unlock(); }
    static void update() { urcu_mb_synchronize_rcu(); }
};

}  // namespace

Result<std::unique_ptr<Scheme>> make_rcu_mb(const Clock& clock) {
    return make_scheme<Mb>(clock);
}

}  // namespace ballast::probe
