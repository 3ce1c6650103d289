// A bar on a terminal for what takes a while.
#pragma once

#include <ostream>

#include "ctl/terminal.h"

namespace ballast::ctl {

// Draws nothing where nobody looks. Removes itself when destroyed.
class Progress {
  public:
    Progress(std::ostream& out, const Terminal& terminal) : out_(out), terminal_(terminal) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();
    // `done` is the share done, 0..1.
    void show(double done);

  private:
    std::ostream& out_;
    const Terminal& terminal_;
    int shown_percent_ = -1;
};

}  // namespace ballast::ctl
