// What C. A. Waldspurger tells of VMware ESX Server (OSDI 2002) as a request policy: memory is
// taken from those who pay least for it, where idle memory is taxed.
#pragma once

#include <memory>

#include "policy/policy.h"

namespace ballast {

// How much of its memory a guest works with, as a share of what it keeps, from what it tells: used
// is what it could not give up at once. The largest of a slow average, a fast one and the last
// look, so that a guest that wakes up counts as active at once, and one that falls asleep does not.
class ActiveShare {
  public:
    // `now` is from 0 to 1.
    void look(double now);
    // 1 where nobody ever looked: a guest that tells nothing is not taxed.
    double value() const;

  private:
    double slow_ = 1;
    double fast_ = 1;
    double last_ = 1;
    bool begun_ = false;
};

// `choice` is of kind esx.
std::unique_ptr<Policy> make_esx_policy(const PolicyChoice& choice);

}  // namespace ballast
