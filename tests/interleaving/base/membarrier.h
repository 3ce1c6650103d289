// In the place of the header of this name; see restartable.h.
#pragma once

#include "machine.h"

namespace ballast {

inline bool has_membarrier() noexcept {
    return true;
}
inline bool has_membarrier_rseq() noexcept {
    return true;
}
inline void membarrier_all_threads() noexcept {
    interleaving::step();
    interleaving::membarrier(false);
}
inline void membarrier_restart_sequences() noexcept {
    interleaving::step();
    interleaving::membarrier(true);
}

}  // namespace ballast
