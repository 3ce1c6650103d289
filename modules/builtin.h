// The backends that are part of this program. Each is also built as a shared object, around the
// same description.
#pragma once

#include <span>
#include <string_view>

#include "hv_backends/module_abi.h"

namespace ballast {

// In the order in which they are to be listed.
std::span<const ballast_backend_module* const> builtin_modules() noexcept;
// nullptr: there is none of that name.
const ballast_backend_module* builtin_module(std::string_view name) noexcept;

}  // namespace ballast
