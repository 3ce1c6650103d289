#include "hv_backends/workload/host_backend.h"

#include <algorithm>
#include <utility>

namespace ballast {

HostBackend::HostBackend(SimHost& host, const Clock& clock)
    : host_(host), clock_(clock), tells_oom_(is_plain(host.workload())) {
    capabilities_.name = "workload";
    capabilities_.description = "the workload simulator";
    capabilities_.reports_requests = true;
    capabilities_.reports_oom = tells_oom_;
    capabilities_.asynchronous = true;
    for (const WorkloadVm& vm : host.workload().vms) {
        keys_.push_back(key_from_name(vm.name));
        any_started_ = any_started_ || vm.start;
    }
    down_.resize(keys_.size());
    taken_back_.resize(keys_.size());
}

Result<void> HostBackend::start(EventSink& sink) {
    sink_ = &sink;
    return {};
}

Result<void> HostBackend::observe(Observation& into) {
    host_.observe(into);
    into.at = clock_.now();
    const auto rows = host_.rows();
    // One that lends nothing and has no credit is there as any other is.
    const auto goes_on = [this](std::size_t vm) {
        const auto& start = host_.workload().vms[vm].start;
        return start && (start->loaned_bytes > 0 || start->oom_credit_bytes > 0);
    };
    if (!std::exchange(observed_, true))
        for (std::size_t row = 0; row < rows.size(); ++row)
            if (goes_on(rows[row]))
                into.domains.flags[row] = into.domains.flags[row] | DomainFlags::carried_over;
    if (tells_oom_)
        for (const std::size_t vm : rows) tell_oom(vm);
    return {};
}

void HostBackend::tell_oom(std::size_t vm) {
    const SimGuest& guest = host_.guest(vm);
    const Bytes freed = guest.taken_back() - std::exchange(taken_back_[vm], guest.taken_back());
    if (freed <= 0 || sink_ == nullptr) return;
    Event oom;
    oom.kind = EventKind::oom;
    oom.at = clock_.now();
    oom.domain = keys_[vm];
    oom.bytes = static_cast<std::uint64_t>(freed);
    oom.loaned_bytes = static_cast<std::uint64_t>(guest.loaned());
    sink_->on_event(oom);
}

std::optional<CarriedBooks> HostBackend::carried_books(const DomainKey& domain) const {
    if (!any_started_) return std::nullopt;
    const auto found = std::find(keys_.begin(), keys_.end(), domain);
    if (found == keys_.end()) return std::nullopt;
    const auto& start = host_.workload().vms[static_cast<std::size_t>(found - keys_.begin())].start;
    if (!start) return std::nullopt;
    return CarriedBooks{0, start->oom_credit_bytes};
}

StepOutcome HostBackend::apply(const Step& step) noexcept {
    const auto rows = host_.rows();
    if (step.row >= rows.size() || keys_[rows[step.row]] != step.domain)
        return {StepStatus::gone, 0, Constraint::backend_error, "no such domain"};
    const std::size_t vm = rows[step.row];
    const auto loaned = static_cast<std::uint64_t>(host_.reported_loan(vm));
    if (host_.is_down(vm))
        return {StepStatus::refused, loaned, Constraint::backend_error, "the guest is down"};
    host_.ask(step.row, static_cast<Bytes>(step.loaned_to_bytes));
    return {StepStatus::accepted, loaned, Constraint::none, {}};
}

void HostBackend::advance() {
    for (const std::size_t vm : host_.rows()) {
        const bool down = host_.is_down(vm);
        if (down && down_[vm] == 0 && sink_ != nullptr) {
            Event killed;
            killed.kind = EventKind::guest_rebooted;
            killed.at = clock_.now();
            killed.domain = keys_[vm];
            killed.loaned_bytes = 0;
            sink_->on_event(killed);
        }
        down_[vm] = down ? 1 : 0;
    }
}

}  // namespace ballast
