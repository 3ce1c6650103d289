// What a shared object says of itself before the loader runs any of its code.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.h"

namespace ballast {

// Whether the file's contents are a shared object with the data symbol `ballast_module`, whose
// first words are a module's (see check_identity). Pure; reads within `contents` alone, whatever is
// in it. Errors: bad_data, unsupported.
Result<void> check_module_elf(std::span<const std::byte> contents);

}  // namespace ballast
