// A module's answers, taken as hints until they have been looked at.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "hv_backends/module_abi.h"
#include "model/domain.h"
#include "model/event.h"
#include "model/step.h"

namespace ballast {

// The text in a module's buffer, whether it ends or not; control characters become '?'.
std::string text_of(const char* buffer, std::size_t capacity);

// What a call's status means; success for BALLAST_OK. Pure.
Result<void> result_of(int status, const ballast_error& error, const char* call);

// Looks at figures that a module wrote. A row that cannot be is made harmless: unanswered, nothing
// asked, its size and loan as they were `before`, or 0; `detail` tells of the first. Answers how
// many there were. Pure; linear, as long as few are wrong.
std::size_t disarm_rows(DomainTable& domains, const DomainTable& before, std::string& detail);
// Rows whose keys or names cannot be; nullopt = none. Linear, hashes; for new rows.
std::optional<std::string> problem_with_rows(const DomainTable& domains);

// A step's outcome; one that cannot be becomes `failed`, with what was wrong. Pure.
StepOutcome outcome_of(const ballast_outcome& answer, const Step& step);

// nullopt: of a kind that is not known. Pure.
std::optional<Event> event_of(const ballast_event& event);

}  // namespace ballast
