// liburcu's flavours; each has a file of its own, because their headers do not go together.
#pragma once

#include <urcu/tls-compat.h>

// As in C: for a thread_local that is defined elsewhere, C++ has each access ask whether it has to
// be initialised first, and here that would be half of what a reader pays.
#undef URCU_TLS_STORAGE_CLASS
#define URCU_TLS_STORAGE_CLASS __thread

#include "probe/scheme_of.h"

namespace ballast::probe {

Result<std::unique_ptr<Scheme>> make_rcu_memb(const Clock& clock);
Result<std::unique_ptr<Scheme>> make_rcu_mb(const Clock& clock);
Result<std::unique_ptr<Scheme>> make_rcu_bp(const Clock& clock);
Result<std::unique_ptr<Scheme>> make_rcu_qsbr(const Clock& clock);

}  // namespace ballast::probe
