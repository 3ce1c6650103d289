// A simulated run of the whole controller as a page for a browser.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "model/snapshot.h"
#include "report/page.h"
#include "report/recorder.h"
#include "sim/report.h"

namespace ballast::ctl {

// One thread.
class SimulationPage {
  public:
    // Of a run of `length`. `reserve_bytes` of the host are not lent on; 0 = none.
    SimulationPage(Duration length, std::uint64_t reserve_bytes);

    // One tick's outcome, `since_start` after the start.
    void add(const Snapshot& snapshot, Duration since_start);

    // Ends the page of `scenario`, whose run came to `report`.
    report::Page take(const std::string& scenario, const SimulationReport& report);

  private:
    // What is known of a domain from the tick before.
    struct Last {
        bool present = false;
        std::uint64_t asked_bytes = 0;
        std::uint64_t loaned_bytes = 0;
        std::uint64_t credit_bytes = 0;
    };
    void map_rows(const Snapshot& snapshot, double at_s);
    void add_row(const Snapshot& snapshot, std::size_t row, double at_s);

    report::PageInput input_;
    report::PageRun run_;
    report::HistoryRecorder recorder_;
    std::shared_ptr<const DomainNames> names_;
    std::vector<std::size_t> domain_of_row_;
    std::unordered_map<DomainKey, std::size_t> domain_by_key_;
    std::vector<Last> last_;  // beside input_.domains
};

}  // namespace ballast::ctl
