#include "model/backend_name.h"

#include <algorithm>

namespace ballast {

bool is_backend_name(std::string_view name) noexcept {
    const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const auto fits = [lower](char c) {
        return lower(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= 31 && lower(name.front()) &&
           std::all_of(name.begin(), name.end(), fits);
}

}  // namespace ballast
