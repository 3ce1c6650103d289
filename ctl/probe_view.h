// What the probe found, for people. Pure.
#pragma once

#include <string>
#include <vector>

#include "ctl/terminal.h"
#include "probe/rows.h"

namespace ballast::ctl {

// A column for each figure.
std::string probe_table(const std::vector<probe::Row>& rows, const Terminal& terminal);
// Bars on a logarithmic scale: what a section costs, by number of readers.
// `unfinished`: what is not usable may still become so.
std::string probe_chart(const std::vector<probe::Row>& rows, const Terminal& terminal,
                        bool unfinished = false);
// One page with curves, for a browser without a network. `about`: where and how it was measured.
std::string probe_page(const std::vector<probe::Row>& rows, const std::string& about);

}  // namespace ballast::ctl
