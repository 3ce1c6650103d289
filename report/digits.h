// Series as text: two digits of 64 a value.
#pragma once

#include <string>

#include "report/history.h"

namespace ballast::report {

// Least and most of each stretch in 4094 parts of `full`, rounded outwards so that no peak is lost;
// "//" where nothing is known. Values beyond 0..full are kept within. A series that never changes
// is written once.
std::string digits_of(const Envelope& envelope, std::int64_t full);

// One digit a stretch: 0 = none, 1..63 = from 0.001 % to all of it on a logarithmic scale. Empty
// where nobody waited.
std::string stall_digits(const std::vector<double>& shares);

// JSON as it may stand inside a <script> of a page: the same value, with nothing that could end
// it.
std::string safe_in_script(const std::string& json);

}  // namespace ballast::report
