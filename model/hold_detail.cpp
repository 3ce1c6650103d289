#include "model/hold_detail.h"

#include <array>

namespace ballast {

std::string_view describe(HoldDetail detail) noexcept {
    constexpr std::array<std::string_view, 6> kTexts{
        "",
        "the guest is starting and has sent no statistics yet",
        "its balloon shrank by itself, and the guest's next statistics show whether it ran out of "
        "memory",
        "an external program is moving its balloon, and the size where that ends counts",
        "lending has just been switched on again, and the first decision comes one delay later",
        "the backend is about to go, and every domain is given everything back",
    };
    const auto index = static_cast<std::size_t>(detail);
    return kTexts[index < kTexts.size() ? index : 0];
}

}  // namespace ballast
