// A finding of the probe without measuring.
#pragma once

#include <utility>
#include <vector>

#include "probe/survey.h"

namespace ballast::test {

inline probe::Finding made_finding(const char* type, unsigned readers,
                                   std::vector<double> samples_ns, std::size_t tried = 5) {
    probe::Finding made;
    made.type = probe::find_scale_type(type);
    made.readers = readers;
    made.ns = spread_of(std::move(samples_ns));
    made.tried = tried;
    return made;
}

}  // namespace ballast::test
