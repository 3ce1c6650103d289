// One call of DomainCalls, as the thread that makes it sees it.
#pragma once

#include "hv_backends/libvirt/domain_calls.h"
#include "hv_backends/libvirt/worker_connection.h"

namespace ballast {

// What to do; fields that are of no use to its kind are left alone.
struct OneCall {
    CallKind kind = CallKind::balloon;
    DomainKey domain{};
    std::uint64_t kept_kib = 0;
    std::uint32_t stats_period_s = 0;  // see DomainCalls::Options
    bool set_period = false;           // facts: also where the XML has it already
    std::optional<CarriedBooks> books = std::nullopt;
};

// Blocks for as long as libvirt and the domain's QEMU do.
CallOutcome carry_out(WorkerConnection& worker, const OneCall& call);

}  // namespace ballast
