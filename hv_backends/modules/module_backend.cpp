#include "hv_backends/modules/module_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "base/log.h"
#include "hv_backends/modules/abi_values.h"
#include "hv_backends/modules/answers.h"

namespace ballast {
namespace {

constexpr std::uint64_t kMostRows = std::uint64_t{1} << 24U;

// Numbers for memberships; each is given once in the life of this process.
std::uint64_t next_membership() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

template <class Call>
Result<void> guarded(const char* name, Call call) {
    ballast_error error{};
    int status = BALLAST_IO;
    try {
        status = call(error);
    } catch (...) {
        return fail(Errc::bad_data, fmt::format("{} threw an exception", name));
    }
    return result_of(status, error, name);
}

}  // namespace

// What the host offers to a module.
struct HostFunctions {
    static ModuleBackend& self(void* context) noexcept {
        return *static_cast<ModuleBackend*>(context);
    }
    static std::int64_t now_ns(void* context) noexcept {
        return self(context).clock_.now().time_since_epoch().count();
    }
    static std::int64_t wall_now_ns(void* context) noexcept {
        const auto wall = self(context).clock_.wall_now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::nanoseconds>(wall).count();
    }
    static void log_line(void* context, std::int32_t level, const char* text) noexcept {
        if (text == nullptr) return;
        constexpr log::Level kLevels[] = {log::Level::debug, log::Level::info, log::Level::warn,
                                          log::Level::error};
        const auto index = std::clamp(level, BALLAST_LOG_DEBUG + 0, BALLAST_LOG_ERROR + 0);
        const log::Level known = kLevels[index];
        if (log::enabled(known))
            log::write(known, fmt::format("{}: {}", self(context).module_.name,
                                          text_of(text, sizeof(ballast_error::text) * 2)));
    }
    static void report(void* context, const ballast_event* event) noexcept {
        if (event == nullptr) return;
        ModuleBackend& backend = self(context);
        const auto told = event_of(*event);
        const std::lock_guard lock(backend.sink_lock_);
        if (told && backend.sink_ != nullptr) backend.sink_->on_event(*told);
    }
};

// Two tables: one the module writes on, kept from time to time as it expects.
struct ModuleBackend::Sheet {
    DomainTable table;
    ballast_observation observation{};
    std::array<ballast_node, kMostNodes> nodes{};

    Sheet() {
        observation.size = sizeof(observation);
        observation.context = this;
        observation.resize = [](ballast_observation* asked, std::uint64_t rows) {
            return static_cast<Sheet*>(asked->context)->resize(rows);
        };
        observation.set_name = [](ballast_observation* asked, std::uint64_t row, const char* name) {
            DomainTable& named = static_cast<Sheet*>(asked->context)->table;
            if (row >= named.size() || name == nullptr) return;
            named.name[row] = text_of(name, 255);
            named.host[row].clear();  // of the domain that was in this row
        };
        observation.set_host = [](ballast_observation* asked, std::uint64_t row, const char* host) {
            auto& hosts = static_cast<Sheet*>(asked->context)->table.host;
            if (row < hosts.size() && host != nullptr) hosts[row] = text_of(host, 255);
        };
        point();
    }

    std::int32_t resize(std::uint64_t rows) noexcept {
        if (rows > kMostRows) return -1;
        try {
            table.resize(static_cast<std::size_t>(rows));
        } catch (const std::bad_alloc&) {
            return -1;
        }
        point();
        return 0;
    }

    void point() noexcept {
        static_assert(sizeof(DomainKey) == 16 && sizeof(DomainFlags) == sizeof(std::uint16_t));
        ballast_columns& columns = observation.columns;
        columns.rows = table.size();
        columns.key = reinterpret_cast<std::uint8_t(*)[16]>(table.key.data());
        columns.page_shift = table.page_shift.data();
        columns.flags = reinterpret_cast<std::uint16_t*>(table.flags.data());
        columns.total_bytes = table.total_bytes.data();
        columns.loaned_bytes = table.loaned_bytes.data();
        columns.loan_request_bytes = table.loan_request_bytes.data();
        columns.unused_bytes = table.unused_bytes.data();
        columns.usable_bytes = table.usable_bytes.data();
        observation.major_faults = table.major_faults.data();
        observation.resident_bytes = table.resident_bytes.data();
        observation.cache_bytes = table.cache_bytes.data();
        observation.swapped_in_bytes = table.swapped_in_bytes.data();
        observation.swapped_out_bytes = table.swapped_out_bytes.data();
        observation.node_mask = table.node_mask.data();
        observation.stats_age_ms = table.stats_age_ms.data();
        observation.limit_bytes = table.limit_bytes.data();
        observation.nodes = nodes.data();
        observation.node_room = static_cast<std::uint32_t>(nodes.size());
    }
};

ModuleBackend::ModuleBackend(const ballast_backend_module& module, const Clock& clock,
                             CallWatch& watch)
    : module_(module), clock_(clock), watch_(watch), sheet_(std::make_unique<Sheet>()) {
    host_.size = sizeof(host_);
    host_.version = BALLAST_MODULE_VERSION;
    host_.context = this;
    host_.now_ns = &HostFunctions::now_ns;
    host_.wall_now_ns = &HostFunctions::wall_now_ns;
    host_.log = &HostFunctions::log_line;
    host_.report = &HostFunctions::report;
}

Result<std::unique_ptr<ModuleBackend>> ModuleBackend::create(const ballast_backend_module& module,
                                                             const ModuleConfig& config,
                                                             const Clock& clock, CallWatch& watch) {
    const auto settled = settle_settings(module, config.settings);
    if (!settled) return Failure(settled.error());
    std::vector<ballast_setting> settings;
    settings.reserve(settled->size());
    for (const auto& [name, value] : *settled) settings.push_back({name.c_str(), value.c_str()});
    ballast_config given{};
    given.size = sizeof(given);
    given.setting_count = static_cast<std::uint32_t>(settings.size());
    given.settings = settings.data();
    given.text = config.text.c_str();
    given.text_size = config.text.size();

    std::unique_ptr<ModuleBackend> made(new ModuleBackend(module, clock, watch));
    {
        const CallWatch::Call call(watch, "create");
        auto created = guarded("create", [&](ballast_error& error) {
            return module.create(&made->host_, &given, &made->instance_, &error);
        });
        if (!created) {
            made->instance_ = nullptr;  // nothing to destroy
            return Failure(created.error());
        }
    }
    if (made->instance_ == nullptr)
        return fail(Errc::bad_data, "create succeeded and made no instance");
    ballast_capabilities told{};
    {
        const CallWatch::Call call(watch, "capabilities");
        module.capabilities(made->instance_, &told);
    }
    made->capabilities_.name = config.name.empty() ? module.name : config.name;
    made->capabilities_.description = text_of(told.description, sizeof(told.description));
    made->capabilities_.max_step_bytes = told.max_step_bytes;
    made->capabilities_.reports_requests = told.reports_requests != 0;
    made->capabilities_.reports_oom = told.reports_oom != 0;
    made->capabilities_.asynchronous = told.asynchronous != 0;
    return made;
}

ModuleBackend::~ModuleBackend() {
    if (instance_ == nullptr) return;
    stop();
    const CallWatch::Call call(watch_, "destroy");
    module_.destroy(instance_);
}

Result<void> ModuleBackend::start(EventSink& sink) {
    {
        const std::lock_guard lock(sink_lock_);
        sink_ = &sink;
    }
    const CallWatch::Call call(watch_, "start");
    return guarded("start",
                   [this](ballast_error& error) { return module_.start(instance_, &error); });
}

void ModuleBackend::stop() noexcept {
    {
        const CallWatch::Call call(watch_, "stop");
        module_.stop(instance_);
    }
    const std::lock_guard lock(sink_lock_);
    sink_ = nullptr;
}

Result<void> ModuleBackend::observe(Observation& into) {
    {
        const CallWatch::Call call(watch_, "observe");
        ballast_observation& observation = sheet_->observation;
        sheet_->point();
        observation.at_ns = clock_.now().time_since_epoch().count();
        observation.host_total_bytes = observation.host_available_bytes = BALLAST_UNKNOWN_BYTES;
        observation.host_swap_total_bytes = observation.host_swap_free_bytes =
            observation.host_memory_stall_us = BALLAST_UNKNOWN_BYTES;
        observation.node_count = 0;
        auto observed = guarded("observe", [&](ballast_error& error) {
            return module_.observe(instance_, &observation, &error);
        });
        if (!observed) return observed;
    }
    return take(into);
}

void ModuleBackend::take_host(HostState& into) const {
    const ballast_observation& told = sheet_->observation;
    into.total_bytes = told.host_total_bytes;
    into.available_bytes = told.host_available_bytes;
    into.swap_total_bytes = told.host_swap_total_bytes;
    into.swap_free_bytes = told.host_swap_free_bytes;
    into.memory_stall_us = told.host_memory_stall_us;
    into.nodes.clear();
    const std::size_t count = std::min<std::size_t>(told.node_count, sheet_->nodes.size());
    for (std::size_t i = 0; i < count; ++i) {
        const ballast_node& node = sheet_->nodes[i];
        // Numbers that do not rise make no sense, nor what follows them.
        const bool rises = into.nodes.empty() || node.id > into.nodes.back().id;
        if (node.id >= kMostNodes || !rises) return;
        into.nodes.push_back({node.id, node.total_bytes, node.free_bytes, node.available_bytes});
    }
}

// Looks at the sheet and copies it: names and keys where rows changed, figures always.
Result<void> ModuleBackend::take(Observation& into) {
    const ballast_observation& observation = sheet_->observation;
    DomainTable& told = sheet_->table;
    DomainTable& known = into.domains;
    const bool new_rows = membership_ == 0 || observation.membership != module_membership_;
    if (new_rows) {
        if (auto problem = problem_with_rows(told)) {
            membership_ = 0;  // whatever it tells next is new
            return fail(Errc::bad_data, "observe " + *problem);
        }
        module_membership_ = observation.membership;
        rows_told_ = told.size();
        membership_ = next_membership();
    } else if (told.size() != rows_told_) {
        membership_ = 0;
        return fail(Errc::bad_data,
                    fmt::format("observe told of {} domains, then of {}, and did not say that they "
                                "changed",
                                rows_told_, told.size()));
    }

    std::string trouble;
    const std::size_t wrong = disarm_rows(told, known, trouble);
    if (wrong > 1) trouble += fmt::format(" (and of {} more)", wrong - 1);
    if (trouble != last_trouble_ && wrong > 0)
        log::warn("backend {} {}; held", module_.name, trouble);
    last_trouble_ = trouble;

    into.at = Time(Duration(observation.at_ns));
    take_host(into.host);
    if (known.membership != membership_ || known.size() != told.size()) {
        known = told;
        known.membership = membership_;
        return {};
    }
    known.page_shift = told.page_shift;
    known.flags = told.flags;
    known.total_bytes = told.total_bytes;
    known.loaned_bytes = told.loaned_bytes;
    known.loan_request_bytes = told.loan_request_bytes;
    known.unused_bytes = told.unused_bytes;
    known.usable_bytes = told.usable_bytes;
    known.major_faults = told.major_faults;
    known.resident_bytes = told.resident_bytes;
    known.cache_bytes = told.cache_bytes;
    known.swapped_in_bytes = told.swapped_in_bytes;
    known.swapped_out_bytes = told.swapped_out_bytes;
    known.node_mask = told.node_mask;
    known.stats_age_ms = told.stats_age_ms;
    known.limit_bytes = told.limit_bytes;
    return {};
}

StepOutcome ModuleBackend::apply(const Step& step) noexcept {
    ballast_step asked{};
    asked.size = sizeof(asked);
    asked.row = step.row;
    std::copy(step.domain.uuid.begin(), step.domain.uuid.end(), asked.domain);
    asked.loaned_from_bytes = step.loaned_from_bytes;
    asked.loaned_to_bytes = step.loaned_to_bytes;
    ballast_outcome answer{};
    answer.status = BALLAST_STEP_FAILED;
    answer.loaned_bytes = step.loaned_from_bytes;
    try {
        const CallWatch::Call call(watch_, "apply");
        module_.apply(instance_, &asked, &answer);
    } catch (...) {
        return {StepStatus::failed, step.loaned_from_bytes, Constraint::backend_error,
                "apply threw an exception"};
    }
    return outcome_of(answer, step);
}

void ModuleBackend::set_guest_tunables(const DomainKey& domain, const GuestTunables& tunables) {
    ballast_guest_tunables given{};
    given.size = sizeof(given);
    given.oom_release_bytes = tunables.oom_release_bytes;
    const CallWatch::Call call(watch_, "set_guest_tunables");
    module_.set_guest_tunables(instance_, domain.uuid.data(), &given);
}

std::optional<Time> ModuleBackend::next_event_at() const {
    if ((module_.features & BALLAST_FEATURE_SIMULATED) == 0) return std::nullopt;
    const CallWatch::Call call(watch_, "next_event_at_ns");
    const std::int64_t at = module_.next_event_at_ns(instance_);
    if (at == std::numeric_limits<std::int64_t>::max()) return std::nullopt;
    return Time(Duration(at));
}

void ModuleBackend::advance() {
    if ((module_.features & BALLAST_FEATURE_SIMULATED) == 0) return;
    const CallWatch::Call call(watch_, "advance");
    module_.advance(instance_);
}

void ModuleBackend::adopt(std::span<const Loan> loans) {
    if ((module_.features & BALLAST_FEATURE_ADOPT) == 0) return;
    std::vector<ballast_loan> told(loans.size());
    for (std::size_t i = 0; i < loans.size(); ++i) {
        std::copy(loans[i].domain.uuid.begin(), loans[i].domain.uuid.end(), told[i].domain);
        told[i].loaned_bytes = loans[i].loaned_bytes;
    }
    const CallWatch::Call call(watch_, "adopt");
    module_.adopt(instance_, told.data(), told.size());
}

std::optional<CarriedBooks> ModuleBackend::carried_books(const DomainKey& domain) const {
    if ((module_.features & BALLAST_FEATURE_BOOKS) == 0) return std::nullopt;
    ballast_books told{};
    told.size = sizeof(told);
    const CallWatch::Call call(watch_, "carried_books");
    if (module_.carried_books(instance_, domain.uuid.data(), &told) != 1) return std::nullopt;
    return CarriedBooks{told.original_loaned_bytes, told.oom_freed_bytes};
}

void ModuleBackend::keep_books(const DomainKey& domain, const std::optional<CarriedBooks>& books) {
    if ((module_.features & BALLAST_FEATURE_BOOKS) == 0) return;
    ballast_books kept{};
    kept.size = sizeof(kept);
    if (books) {
        kept.original_loaned_bytes = books->original_loaned_bytes;
        kept.oom_freed_bytes = books->oom_freed_bytes;
    }
    const CallWatch::Call call(watch_, "keep_books");
    module_.keep_books(instance_, domain.uuid.data(), books ? &kept : nullptr);
}

}  // namespace ballast
