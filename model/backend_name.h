// What a backend may be called.
#pragma once

#include <string_view>

namespace ballast {

// Begins with a lower-case letter, then those, digits, '_' and '-', at most 31 bytes.
bool is_backend_name(std::string_view name) noexcept;

}  // namespace ballast
