// Text on a terminal that is drawn again in its place.
#pragma once

#include <ostream>
#include <string>

#include "base/clock.h"
#include "ctl/terminal.h"

namespace ballast::ctl {

// Draws nothing where nobody looks, and at most ten times a second. Removes itself when destroyed.
class LiveText {
  public:
    LiveText(std::ostream& out, const Terminal& terminal, const Clock& clock)
        : out_(out), terminal_(terminal), clock_(clock) {}
    LiveText(const LiveText&) = delete;
    LiveText& operator=(const LiveText&) = delete;
    ~LiveText() { erase(); }

    // Whether show() would draw now: what it would show need not be made otherwise.
    bool due() const;
    // Of a text that is higher than the terminal, the end. Its lines fit into the width.
    void show(const std::string& text);

  private:
    void erase();

    std::ostream& out_;
    const Terminal& terminal_;
    const Clock& clock_;
    Time next_{};
    std::ptrdiff_t lines_ = 0;
};

}  // namespace ballast::ctl
