#include "policy/policy_inputs.h"

namespace ballast {

void PolicyInputsBuilder::resize(std::size_t rows) {
    fixed_loan_bytes_.resize(rows);
    min_mem_bytes_.resize(rows);
    set_bytes_.resize(rows);
    shares_.resize(rows);
    held_.resize(rows);
    inputs_.fixed_loan_bytes = fixed_loan_bytes_;
    inputs_.min_mem_bytes = min_mem_bytes_;
    inputs_.set_bytes = set_bytes_;
    inputs_.shares = shares_;
    inputs_.held = held_;
}

}  // namespace ballast
