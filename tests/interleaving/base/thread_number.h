// In the place of the header of this name; see restartable.h.
#pragma once

#include <cstdint>

#include "machine.h"

namespace ballast {

inline std::uint32_t this_thread_number() noexcept {
    return static_cast<std::uint32_t>(interleaving::this_thread());
}

}  // namespace ballast
