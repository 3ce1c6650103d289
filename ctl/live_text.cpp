#include "ctl/live_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace ballast::ctl {

bool LiveText::due() const {
    return terminal_.interactive && clock_.now() >= next_;
}

void LiveText::show(const std::string& text) {
    if (!due()) return;
    next_ = clock_.now() + std::chrono::milliseconds(100);
    erase();
    // A cursor cannot go up beyond the first line: what is higher would stay.
    std::size_t begin = 0;
    lines_ = std::count(text.begin(), text.end(), '\n');
    const auto room = static_cast<std::ptrdiff_t>(terminal_.height) - 1;
    for (; terminal_.height > 0 && lines_ > room; --lines_) begin = text.find('\n', begin) + 1;
    out_ << text.substr(begin) << std::flush;
}

// Up to where it began, and clear from there on.
void LiveText::erase() {
    if (lines_ > 0) out_ << fmt::format("\r\033[{}A\033[J", lines_) << std::flush;
    lines_ = 0;
}

}  // namespace ballast::ctl
