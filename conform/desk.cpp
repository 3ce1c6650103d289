#include "conform/desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "config/config.h"
#include "conform/written.h"
#include "controller/backend_factory.h"

namespace ballast::conform {
namespace {

// A module parameter as the configuration writes it.
std::string configured(Attribute attribute, const std::string& value) {
    const bool flag = attribute == Attribute::simulate || attribute == Attribute::debug ||
                      attribute == Attribute::disable;
    if (flag && (value == "1" || value == "Y" || value == "y")) return "true";
    if (flag && (value == "0" || value == "N" || value == "n")) return "false";
    if (flag) return value;
    const auto same = same_to_ballast(attribute, value);
    if (!same) return value;
    // The configuration has bounds of its own, beyond what any guest has.
    constexpr std::uint64_t most_mib = std::uint64_t{1} << 33U;
    constexpr std::uint64_t most_kib = std::uint64_t{1} << 43U;
    const std::uint64_t number = std::stoull(same->text);
    if (attribute == Attribute::min_mem_mb) return std::to_string(std::min(number, most_mib));
    return std::to_string(std::min(number, most_kib));
}

bool is_plain(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '+' || c == '.' || c == '_';
    });
}

// The section `cmm` for a driver loaded with `parameters`. Those that the driver does not have are
// left out, as the kernel ignores them.
Result<std::string> cmm_section(std::string_view parameters) {
    std::string section = "profile: kernel, simulate_loan_target_kb: 0";
    while (!parameters.empty()) {
        const std::size_t space = parameters.find(' ');
        const std::string_view one = parameters.substr(0, space);
        parameters.remove_prefix(space == std::string_view::npos ? parameters.size() : space + 1);
        const std::size_t equals = one.find('=');
        if (equals == std::string_view::npos) continue;
        const auto attribute = attribute_from_name(one.substr(0, equals));
        if (!attribute) continue;
        const std::string value = configured(*attribute, std::string(one.substr(equals + 1)));
        if (!is_plain(value))
            return fail(Errc::refused, fmt::format("'{}' is no value", value), EINVAL);
        section += fmt::format(", {}: {}", to_string(*attribute), value);
    }
    return section;
}

Result<Settings> settings_for(const Trace& trace, std::string_view parameters) {
    const auto cmm = cmm_section(parameters);
    if (!cmm) return Failure(cmm.error());
    const std::string text = fmt::format(
        "mode: simulate\n"
        "cmm: {{{}}}\n"
        "backend: {{name: pseries}}\n"
        "policy: {{name: cmm}}\n"
        "scenario:\n"
        "  description: A guest of the kernel's driver.\n"
        "  domains: [{{name: guest, memory: {}KiB, page: {}KiB, memory_block: {}KiB}}]\n",
        *cmm, trace.memory_bytes / kKiB, trace.page_bytes / kKiB, trace.block_bytes / kKiB);
    ConfigResult loaded = parse_config(text, "cmm");
    if (const auto* problems = std::get_if<ConfigProblems>(&loaded))
        return fail(Errc::refused, problems->text(), EINVAL);
    return std::get<Settings>(std::move(loaded));
}

}  // namespace

Result<std::unique_ptr<Desk>> Desk::make(const Trace& trace, std::vector<ScenarioEvent> events,
                                         std::vector<ScenarioFault> faults, const RuleSet& rules) {
    // Traces are of drivers in simulate mode, which make no hypervisor call.
    auto settings = settings_for(trace, "simulate=1");
    if (!settings) return Failure(settings.error());
    settings->scenario->events = std::move(events);
    settings->scenario->faults = std::move(faults);
    std::unique_ptr<Desk> desk(new Desk(trace, rules));
    auto backend = make_backend(*settings, desk->clock_);
    if (!backend) return Failure(backend.error());
    desk->backend_ = std::move(*backend);
    desk->boot_ = desk->clock_.now();
    if (auto started = desk->backend_->start(desk->relay_); !started)
        return Failure(started.error());
    return desk;
}

Result<void> Desk::load(std::string_view parameters) {
    auto settings = settings_for(trace_, parameters);
    if (!settings) return Failure(settings.error());
    unload();
    controller_ = std::make_unique<Controller>(*settings, *backend_, clock_, false, rules_);
    relay_.to = controller_.get();
    return {};
}

void Desk::unload() {
    if (!loaded()) return;
    // The simulated guest takes everything at once; a second look books it.
    while (!controller_->give_everything_back() && memory().loaned_bytes > 0) {
    }
    relay_.to = nullptr;
    controller_.reset();
}

void Desk::advance_to(Duration at) {
    clock_.advance_to(boot_ + at);
    backend_->advance();
    if (loaded()) controller_->process_events();
}

Desk::Poll Desk::poll() {
    controller_->tick(clock_.now());
    const auto snapshot = controller_->snapshots().latest();
    return {snapshot->decisions.at(0), explain(*snapshot, 0)};
}

Result<void> Desk::set(std::string_view attribute, std::string_view value) {
    return controller_->set_attribute("", attribute, value);
}

Result<std::string> Desk::get(std::string_view attribute) const {
    return controller_->get_attribute("", attribute);
}

Desk::Memory Desk::memory() {
    // A simulated hypervisor always answers.
    if (!backend_->observe(seen_)) return {};
    const std::uint64_t loaned = seen_.domains.loaned_bytes.at(0);
    return {loaned, seen_.domains.total_bytes.at(0) - loaned};
}

}  // namespace ballast::conform
