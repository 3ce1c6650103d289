#include "model/step.h"

namespace ballast {

std::string_view to_string(StepStatus status) noexcept {
    switch (status) {
        case StepStatus::done:
            return "done";
        case StepStatus::accepted:
            return "accepted";
        case StepStatus::partial:
            return "partial";
        case StepStatus::refused:
            return "refused";
        case StepStatus::gone:
            return "gone";
        case StepStatus::failed:
            return "failed";
    }
    return "unknown";
}

}  // namespace ballast
