// The page's own files, as they are in this folder.
#pragma once

#include <string_view>

namespace ballast::report {

extern const std::string_view kPageHtml;  // with a place for each of the others
extern const std::string_view kPageStyle;
extern const std::string_view kPageScript;

}  // namespace ballast::report
