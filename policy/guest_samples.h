// A guest's figures over time, under the names that cpuplugd has for them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "expression/cpuplugd_eval.h"
#include "model/domain.h"

namespace ballast {

// Those that a hypervisor tells, or that follow from what it tells.
struct GuestFigure {
    cpuplugd::Op source{};
    std::string_view name;  // none for the time
};
inline constexpr std::array<GuestFigure, 9> kGuestFigures{{{cpuplugd::Op::time, ""},
                                                           {cpuplugd::Op::meminfo, "MemTotal"},
                                                           {cpuplugd::Op::meminfo, "MemFree"},
                                                           {cpuplugd::Op::meminfo, "MemAvailable"},
                                                           {cpuplugd::Op::meminfo, "Cached"},
                                                           {cpuplugd::Op::meminfo, "Shmem"},
                                                           {cpuplugd::Op::vmstat, "pgmajfault"},
                                                           {cpuplugd::Op::vmstat, "pswpin"},
                                                           {cpuplugd::Op::vmstat, "pswpout"}}};

class GuestSamples final : public cpuplugd::History {
  public:
    // Room for a sample and `back` before it. Allocates.
    void make_room(std::uint32_t back) { ring_.resize(std::size_t{back} + 1); }
    bool has_room() const noexcept { return !ring_.empty(); }
    // Adds what `domains` tells of a row at `now_s`. A domain's MemTotal is its total; what counts
    // as its cache has no shared memory in it, so that Shmem is 0.
    void add(const DomainTable& domains, std::size_t row, double now_s) noexcept;
    std::uint64_t count() const noexcept { return count_; }

    // Nothing where it is not known.
    std::optional<double> figure(cpuplugd::Op source, std::string_view name,
                                 std::uint32_t back) const override;

  private:
    using Sample = std::array<double, kGuestFigures.size()>;
    std::vector<Sample> ring_;
    std::uint64_t count_ = 0;
};

}  // namespace ballast
