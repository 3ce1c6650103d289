// Looks on while a policy decides over a simulated host: series, and each loan that changes with
// the reason that shows in the same step.
#pragma once

#include <span>
#include <vector>

#include "compare/run.h"
#include "model/request_reason.h"
#include "report/recorder.h"

namespace ballast::compare {

// One thread. What it is given outlives it.
class Watch {
  public:
    // `host` is told to say what each step costs each machine.
    Watch(const Workload& workload, const Contestant& contestant, const Constants& constants,
          std::uint64_t reserve_bytes, SimHost& host);
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Once a tick, when the host has come so far and before it is asked for anything.
    void before(const SimHost& host, std::span<const Bytes> demand);
    // Once a tick, when it has been asked; `wanted` are the loans that were wanted of each row,
    // `told` the reasons that whoever decided tells, or empty.
    void after(const SimHost& host, std::span<const Bytes> wanted,
               std::span<const RequestReason> told);

    report::RunHistory take() { return recorder_.take(); }

  private:
    // What is known of a machine from the step before.
    struct Last {
        bool present = false;
        bool down = false;
        bool newly_asked = false;
        Bytes loaned = 0;
        Bytes asked = kNotAsked;
    };

    void tell_series(const SimHost& host, std::span<const Bytes> demand);
    void tell_who_came_and_went(const SimHost& host);
    void tell_what_happened(const SimHost& host, std::size_t vm);
    void happened(const SimHost& host, std::size_t vm, Bytes from, Bytes to, report::Why why,
                  Bytes first = 0, Bytes second = 0);
    report::Reason reason(const SimHost& host, std::size_t vm, bool lends_more) const;
    report::Reason reason_to_take_back(const SimHost& host, std::size_t vm) const;

    const Contestant& contestant_;
    Bytes reserve_;
    report::HistoryRecorder recorder_;
    std::vector<GuestHarm> harm_;
    std::vector<Last> last_;
    std::uint64_t membership_ = 0;
    Bytes swapped_before_ = 0;
};

}  // namespace ballast::compare
