#include "hv_backends/modules/export_backend.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include "hv_backends/modules/abi_values.h"

namespace ballast {
namespace {

ExportedBackend& self_of(void* instance) noexcept {
    return *static_cast<ExportedBackend*>(instance);
}

template <std::size_t size>
void copy_text(std::string_view text, char (&into)[size]) noexcept {
    const std::size_t length = std::min(text.size(), size - 1);
    std::memcpy(into, text.data(), length);
    into[length] = '\0';
}

std::int32_t tell(const Error& problem, ballast_error& error) noexcept {
    error.sys_errno = problem.sys_errno;
    copy_text(problem.context, error.text);
    return status_of(problem.code);
}

// Nothing may be thrown across the interface.
template <class Run>
std::int32_t answered(ballast_error& error, Run run) noexcept {
    try {
        const Result<void> result = run();
        return result ? BALLAST_OK + 0 : tell(result.error(), error);
    } catch (const std::exception& exception) {
        copy_text(exception.what(), error.text);
        return BALLAST_IO;
    }
}

DomainKey key_of(const std::uint8_t bytes[16]) noexcept {
    DomainKey key;
    std::copy_n(bytes, key.uuid.size(), key.uuid.begin());
    return key;
}

}  // namespace

void ExportedBackend::HostSink::on_event(const Event& event) noexcept {
    ballast_event told{};
    told.size = sizeof(told);
    told.kind = static_cast<std::int32_t>(event.kind);
    told.at_ns = event.at.time_since_epoch().count();
    std::copy(event.domain.uuid.begin(), event.domain.uuid.end(), told.domain);
    told.bytes = event.bytes;
    told.loaned_bytes = event.loaned_bytes;
    told.detail = event.detail.c_str();
    told.constraint = number_of(event.constraint);
    host_.report(host_.context, &told);
}

ExportedBackend::ExportedBackend(const ballast_host& host) : clock_(host), sink_(host) {}

std::int32_t ExportedBackend::create(Make make, const ballast_host* host,
                                     const ballast_config* config, void** instance,
                                     ballast_error* error) noexcept {
    return answered(*error, [&]() -> Result<void> {
        std::unique_ptr<ExportedBackend> made(new ExportedBackend(*host));
        auto backend = make(*config, made->clock_);
        if (!backend) return Failure(backend.error());
        made->backend_ = std::move(*backend);
        *instance = made.release();
        return {};
    });
}

void ExportedBackend::destroy(void* instance) noexcept {
    delete &self_of(instance);
}

void ExportedBackend::capabilities(void* instance, ballast_capabilities* into) noexcept {
    const Capabilities& known = self_of(instance).backend_->capabilities();
    copy_text(known.description, into->description);
    into->max_step_bytes = known.max_step_bytes;
    into->reports_requests = known.reports_requests ? 1 : 0;
    into->reports_oom = known.reports_oom ? 1 : 0;
    into->asynchronous = known.asynchronous ? 1 : 0;
}

std::int32_t ExportedBackend::start(void* instance, ballast_error* error) noexcept {
    ExportedBackend& self = self_of(instance);
    return answered(*error, [&] { return self.backend_->start(self.sink_); });
}

void ExportedBackend::stop(void* instance) noexcept {
    self_of(instance).backend_->stop();
}

void ExportedBackend::fill_nodes(ballast_observation& into) const {
    std::copy(seen_.domains.node_mask.begin(), seen_.domains.node_mask.end(), into.node_mask);
    const auto& nodes = seen_.host.nodes;
    into.node_count =
        static_cast<std::uint32_t>(std::min<std::size_t>(nodes.size(), into.node_room));
    std::transform(nodes.begin(), nodes.begin() + into.node_count, into.nodes,
                   [](const HostNode& node) {
                       return ballast_node{node.id, 0, node.total_bytes, node.free_bytes,
                                           node.available_bytes};
                   });
}

std::int32_t ExportedBackend::fill(ballast_observation& into) {
    const DomainTable& table = seen_.domains;
    const std::size_t rows = table.size();
    if (into.columns.rows != rows && into.resize(&into, rows) != 0) return BALLAST_IO;
    const ballast_columns& columns = into.columns;
    if (!told_ || membership_told_ != table.membership) {
        for (std::size_t row = 0; row < rows; ++row) {
            std::copy(table.key[row].uuid.begin(), table.key[row].uuid.end(), columns.key[row]);
            into.set_name(&into, row, table.name[row].c_str());
            if (into.size >= sizeof(ballast_observation) && !table.host[row].empty())
                into.set_host(&into, row, table.host[row].c_str());
        }
        membership_told_ = table.membership;
        told_ = true;
        ++into.membership;
    }
    std::copy(table.page_shift.begin(), table.page_shift.end(), columns.page_shift);
    std::transform(table.flags.begin(), table.flags.end(), columns.flags,
                   [](DomainFlags flags) { return static_cast<std::uint16_t>(flags); });
    std::copy(table.total_bytes.begin(), table.total_bytes.end(), columns.total_bytes);
    std::copy(table.loaned_bytes.begin(), table.loaned_bytes.end(), columns.loaned_bytes);
    std::copy(table.loan_request_bytes.begin(), table.loan_request_bytes.end(),
              columns.loan_request_bytes);
    std::copy(table.unused_bytes.begin(), table.unused_bytes.end(), columns.unused_bytes);
    std::copy(table.usable_bytes.begin(), table.usable_bytes.end(), columns.usable_bytes);
    // A host that does not know these has a smaller structure.
    if (into.size >= offsetof(ballast_observation, node_mask)) {
        std::copy(table.major_faults.begin(), table.major_faults.end(), into.major_faults);
        std::copy(table.resident_bytes.begin(), table.resident_bytes.end(), into.resident_bytes);
        into.host_swap_total_bytes = seen_.host.swap_total_bytes;
        into.host_swap_free_bytes = seen_.host.swap_free_bytes;
        into.host_memory_stall_us = seen_.host.memory_stall_us;
        std::copy(table.cache_bytes.begin(), table.cache_bytes.end(), into.cache_bytes);
        std::copy(table.swapped_in_bytes.begin(), table.swapped_in_bytes.end(),
                  into.swapped_in_bytes);
        std::copy(table.swapped_out_bytes.begin(), table.swapped_out_bytes.end(),
                  into.swapped_out_bytes);
    }
    if (into.size >= offsetof(ballast_observation, stats_age_ms)) fill_nodes(into);
    if (into.size >= offsetof(ballast_observation, set_host)) {
        std::copy(table.stats_age_ms.begin(), table.stats_age_ms.end(), into.stats_age_ms);
        std::copy(table.limit_bytes.begin(), table.limit_bytes.end(), into.limit_bytes);
    }
    into.at_ns = seen_.at.time_since_epoch().count();
    into.host_total_bytes = seen_.host.total_bytes;
    into.host_available_bytes = seen_.host.available_bytes;
    return BALLAST_OK;
}

std::int32_t ExportedBackend::observe(void* instance, ballast_observation* into,
                                      ballast_error* error) noexcept {
    ExportedBackend& self = self_of(instance);
    const std::int32_t status =
        answered(*error, [&] { return self.backend_->observe(self.seen_); });
    if (status != BALLAST_OK) return status;
    try {
        return self.fill(*into);
    } catch (const std::exception& exception) {
        copy_text(exception.what(), error->text);
        return BALLAST_IO;
    }
}

void ExportedBackend::apply(void* instance, const ballast_step* step,
                            ballast_outcome* into) noexcept {
    const StepOutcome outcome = self_of(instance).backend_->apply(
        {step->row, key_of(step->domain), step->loaned_from_bytes, step->loaned_to_bytes});
    into->status = static_cast<std::int32_t>(outcome.status);
    into->constraint = number_of(outcome.constraint);
    into->loaned_bytes = outcome.loaned_bytes;
    copy_text(outcome.detail, into->detail);
}

void ExportedBackend::set_guest_tunables(void* instance, const std::uint8_t domain[16],
                                         const ballast_guest_tunables* tunables) noexcept {
    self_of(instance).backend_->set_guest_tunables(key_of(domain), {tunables->oom_release_bytes});
}

std::int64_t ExportedBackend::next_event_at_ns(void* instance) noexcept {
    const auto at = self_of(instance).backend_->next_event_at();
    return at ? at->time_since_epoch().count() : std::numeric_limits<std::int64_t>::max();
}

void ExportedBackend::advance(void* instance) noexcept {
    self_of(instance).backend_->advance();
}

void ExportedBackend::adopt(void* instance, const ballast_loan* loans,
                            std::uint64_t count) noexcept {
    try {
        std::vector<Loan> told(count);
        for (std::size_t i = 0; i < told.size(); ++i)
            told[i] = {key_of(loans[i].domain), loans[i].loaned_bytes};
        self_of(instance).backend_->adopt(told);
    } catch (const std::bad_alloc&) {
        // The loans are made anew, then.
    }
}

std::int32_t ExportedBackend::carried_books(void* instance, const std::uint8_t domain[16],
                                            ballast_books* into) noexcept {
    const auto carried = self_of(instance).backend_->carried_books(key_of(domain));
    if (!carried) return 0;
    into->original_loaned_bytes = carried->original_loaned_bytes;
    into->oom_freed_bytes = carried->oom_freed_bytes;
    return 1;
}

void ExportedBackend::keep_books(void* instance, const std::uint8_t domain[16],
                                 const ballast_books* books) noexcept {
    std::optional<CarriedBooks> kept;
    if (books != nullptr) kept = {books->original_loaned_bytes, books->oom_freed_bytes};
    try {
        self_of(instance).backend_->keep_books(key_of(domain), kept);
    } catch (const std::bad_alloc&) {
        // Not kept, as carried_books will tell.
    }
}

std::string setting_of(const ballast_config& config, const char* name) {
    for (std::uint32_t i = 0; i < config.setting_count; ++i)
        if (std::strcmp(config.settings[i].name, name) == 0) return config.settings[i].value;
    return {};
}

}  // namespace ballast
