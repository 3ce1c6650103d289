#include "ctl/progress.h"

#include <fmt/format.h>

#include <algorithm>

namespace ballast::ctl {
namespace {

constexpr int kLargestBar = 50;
constexpr int kBesidesBar = 8;  // "[", "] 100 %" and the cursor

}  // namespace

void Progress::show(double done) {
    if (!terminal_.interactive) return;
    const int percent = static_cast<int>(std::clamp(done, 0.0, 1.0) * 100);
    if (percent == shown_percent_) return;
    shown_percent_ = percent;
    const int width = terminal_.width == 0 ? 80 : static_cast<int>(terminal_.width);
    const int bar = std::clamp(width - kBesidesBar - 1, 0, kLargestBar);
    const int filled = bar * percent / 100;
    out_ << fmt::format("\r[{:#<{}}{:.<{}}] {:3} %", "", filled, "", bar - filled, percent)
         << std::flush;
}

Progress::~Progress() {
    if (shown_percent_ >= 0) out_ << "\r\033[K" << std::flush;
}

}  // namespace ballast::ctl
