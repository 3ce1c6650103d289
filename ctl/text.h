// UTF-8 text as a terminal shows it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ballast::ctl {

// `text` without what a terminal would obey (see is_obeyed): that and bytes that are not UTF-8
// become U+FFFD. Line feeds stay if `keep_lines`.
std::string printable(std::string_view text, bool keep_lines = false);

// Columns that printable text takes up: wide characters two, combining ones none.
std::size_t display_width(std::string_view text);

// The longest start of `text` that fits into `width` columns, its last one an ellipsis where
// something was cut.
std::string shorten(std::string_view text, std::size_t width);

}  // namespace ballast::ctl
