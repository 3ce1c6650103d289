// The guests of the scripted hypervisor: how their balloons move, and what happens to them.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "hv_backends/backend.h"
#include "hv_backends/mock/mock_guest.h"
#include "model/host.h"
#include "model/scenario.h"
#include "sim/timeline.h"

namespace ballast {

// One thread. A row is an index in table(), good until a domain comes or goes.
class MockHost {
  public:
    // `scenario` and `clock` outlive the host. Guests start with nothing lent.
    MockHost(const Scenario& scenario, const Clock& clock);

    // Time 0 of the scenario is now; events go to `sink` until disconnect().
    void connect(EventSink& sink);
    void disconnect() noexcept { sink_ = nullptr; }

    // True if balloons take their time.
    bool asynchronous() const noexcept { return asynchronous_; }
    Duration since_start() const noexcept { return clock_.now() - start_; }
    Time start() const noexcept { return start_; }

    const DomainTable& table() const noexcept { return table_; }
    HostState host() const;

    // Brings the figures that change by themselves up to date.
    void refresh_lively();
    // An event of the scenario begins, ends or happens, to every guest that it names.
    void happen(const ScenarioEvent& event, EventPhase phase);

    // The balloon is of this size at once.
    void set_loaned(std::size_t row, std::uint64_t loaned_bytes);
    // The balloon sets out for this size after `delay`.
    void move_to(std::size_t row, std::uint64_t loaned_bytes, Duration delay);
    // Kept for a domain that is not there now; unknown ones are ignored.
    void set_oom_release(const DomainKey& domain, std::uint64_t bytes);

    std::uint64_t page_mask(std::size_t row) const noexcept {
        return (std::uint64_t{1} << table_.page_shift[row]) - 1;
    }

  private:
    const ScenarioDomain& spec(const MockGuest& guest) const {
        return scenario_.domains[guest.spec];
    }
    void fill_row(std::size_t row, std::size_t guest_index);
    void list_lively_guests();
    void refresh(std::size_t guest_index);
    void move_balloon(MockGuest& guest);
    void live(MockGuest& guest, std::uint64_t used);
    void take_back(MockGuest& guest, std::uint64_t bytes_wanted);
    void tell_oom(MockGuest& guest, Bytes freed);
    void happen_to(const ScenarioEvent& event, EventPhase phase, std::size_t guest_index);
    void hotplug(const ScenarioEvent& event, bool begins, MockGuest& guest);
    void flag(std::size_t row, DomainFlags bit, bool on);
    void mark(std::size_t row, DomainFlags bit, bool on, EventKind began, EventKind ended);
    void come(std::size_t guest_index);
    void go(std::size_t guest_index);
    void tell(EventKind kind, std::size_t row, std::uint64_t bytes, std::uint64_t loaned_bytes);

    const Scenario& scenario_;
    const Clock& clock_;
    bool asynchronous_;
    EventSink* sink_ = nullptr;
    Time start_{};
    DomainTable table_;
    std::vector<MockGuest> guests_;
    std::vector<std::string> names_;
    std::vector<std::size_t> guest_of_row_;
    // Guests whose figures change by themselves; the others are refreshed when something happens
    // to them.
    std::vector<std::size_t> lively_;
    std::unordered_map<DomainKey, std::size_t> guest_by_key_;
};

}  // namespace ballast
