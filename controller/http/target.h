// Takes the target of a request line apart.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ballast {

struct Target {
    std::vector<std::string> segments;                       // decoded, "/a/b%2Fc" -> {"a", "b/c"}
    std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
};

// Segments are split before they are decoded, so that a name may hold a slash. Error:
// invalid_argument for a target that is not an absolute path or has a broken %-escape.
Result<Target> parse_target(std::string_view raw);

// The reverse for one segment: everything but unreserved characters becomes %XX.
std::string encode_segment(std::string_view segment);

}  // namespace ballast
