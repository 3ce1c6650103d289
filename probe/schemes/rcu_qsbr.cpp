// liburcu's quiescent-state flavour: readers say now and then that they read nothing.
#include "probe/schemes/urcu.h"

#define _LGPL_SOURCE  // its read side inlined
#include <urcu/urcu-qsbr.h>

namespace ballast::probe {
namespace {

struct Qsbr {
    static void enter(unsigned) { urcu_qsbr_register_thread(); }
    static void leave(unsigned) { urcu_qsbr_unregister_thread(); }
    static NoToken lock(unsigned) {
        urcu_qsbr_read_lock();
        return {};
    }
    static void unlock(unsigned, NoToken) { urcu_qsbr_read_unlock(); }
    static void pause(unsigned) { urcu_qsbr_quiescent_state(); }
    static void update() { urcu_qsbr_synchronize_rcu(); }
};

}  // namespace

Result<std::unique_ptr<Scheme>> make_rcu_qsbr(const Clock& clock) {
    return make_scheme<Qsbr>(clock);
}

}  // namespace ballast::probe
