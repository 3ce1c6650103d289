#include "controller/rule_set.h"

#include <algorithm>

namespace ballast {

void book_oom(const Event& event, DomainControl& control) noexcept {
    control.oom_freed_bytes += event.bytes;
    if (event.loaned_bytes != kUnknownBytes) {
        control.book_loaned(event.loaned_bytes);
    } else {
        control.book_loaned(control.known_loaned_bytes -
                            std::min(control.known_loaned_bytes, event.bytes));
    }
    control.loan_target_bytes = control.known_loaned_bytes;
}

void fall_back(DomainControl& control, Decision& decision) noexcept {
    decision.loan_target_bytes = decision.loaned_before_bytes;
    control.loan_target_bytes = decision.loan_target_bytes;
}

}  // namespace ballast
