// What the page's script is given.
#pragma once

#include <string>

#include "report/page.h"

namespace ballast::report {

std::string page_json(const Page& page);

}  // namespace ballast::report
