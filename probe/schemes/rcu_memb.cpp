// liburcu's membarrier flavour: the kernel's rcu_read_lock in user space.
#include "probe/schemes/urcu.h"

#define _LGPL_SOURCE  // its read side inlined
#include <urcu/urcu-memb.h>

namespace ballast::probe {
namespace {

struct Memb {
    static void enter(unsigned) { urcu_memb_register_thread(); }
    static void leave(unsigned) { urcu_memb_unregister_thread(); }
    static NoToken lock(unsigned) {
        urcu_memb_read_lock();
        return {};
    }
    static void unlock(unsigned, NoToken) { urcu_memb_read_unlock(); }
    static void update() { urcu_memb_synchronize_rcu(); }
};

}  // namespace

Result<std::unique_ptr<Scheme>> make_rcu_memb(const Clock& clock) {
    return make_scheme<Memb>(clock);
}

}  // namespace ballast::probe
