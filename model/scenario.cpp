#include "model/scenario.h"

namespace ballast {

std::string name_of(const ScenarioDomain& domain, std::uint32_t number) {
    return domain.count == 1 ? domain.name : domain.name + std::to_string(number);
}

}  // namespace ballast
