// One page for a browser that shows what policies did to hosts and guests: a single file that needs
// nothing else.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/history.h"

namespace ballast::report {

struct PageDomain {
    std::string name;  // any bytes; shown as text
    std::int64_t capacity_bytes = 0;
};

// Of the time, memory or whatever its name says.
struct PageRun {
    std::string policy;
    double ratio = 0;    // 0 = not known; guests' memory over the host's
    std::string demand;  // how demand was made; runs of one demand are compared
    std::int64_t host_bytes = 0;
    std::int64_t reserve_bytes = 0;
    std::optional<double> stall_percent;  // none: not known, like OOMs and what was lent
    double guest_stall_percent = 0;
    double host_stall_percent = 0;
    std::uint64_t guest_ooms = 0;
    std::uint64_t host_ooms = 0;
    double lent_bytes = 0;         // of a guest, on average
    double moved_bytes_per_h = 0;  // of a guest, on average
    double swapped_out_bytes = 0;
    bool is_good = false;
    bool on_front = false;
    std::optional<RunHistory> history;
};

struct PageDensity {
    std::string policy;
    std::string demand;
    double density = 0;  // 0 = none
};

struct PageInput {
    std::string name;
    double length_s = 0;
    double tick_s = 0;
    std::vector<PageDomain> domains;
    std::vector<PageRun> runs;
    std::vector<PageDensity> densities;
};

struct PageFact {
    std::string name;
    std::string value;
    std::string meaning;
};

struct Page {
    std::string title;  // a question that it answers
    std::string facts_title;
    std::string program;  // and its version
    double goal_stall_percent = 0;
    std::vector<std::string> bounds;  // policies that only show what is possible
    std::vector<PageFact> facts;
    std::vector<PageInput> inputs;
};

// The same page, the same bytes. Histories beyond some megabytes are left out, and the page says
// so. Text that is not UTF-8 is shown with replacement characters.
std::string page_html(const Page& page);

}  // namespace ballast::report
