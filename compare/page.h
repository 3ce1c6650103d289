// Comparisons as a page for a browser.
#pragma once

#include <string>
#include <vector>

#include "compare/report.h"
#include "report/page.h"

namespace ballast::compare {

// What a comparison does not tell of the workload it ran on.
report::PageInput page_input(const Workload& workload, const Constants& constants,
                             const Comparison& comparison);

// `constants`: those that differ from the default are told.
report::Page page_of(std::vector<report::PageInput> inputs, const Constants& constants);

}  // namespace ballast::compare
