#include "controller/http/json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "controller/totals.h"

namespace ballast {
namespace {

Json text_or_null(std::string_view text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

Json host_json(const Snapshot& snapshot, std::size_t row) {
    return text_or_null(host_of(*snapshot.names, row));
}

std::string timestamp(WallTime time) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(time);
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time - whole);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(whole)), millis.count());
}

constexpr std::array<std::pair<DomainFlags, std::string_view>, 15> kFlagNames{{
    {DomainFlags::paused, "paused"},
    {DomainFlags::migrating, "migrating"},
    {DomainFlags::hotplug, "hotplug"},
    {DomainFlags::no_driver, "no_driver"},
    {DomainFlags::stale_stats, "stale_stats"},
    {DomainFlags::pinned_memory, "pinned_memory"},
    {DomainFlags::deflate_on_oom, "deflate_on_oom"},
    {DomainFlags::starting, "starting"},
    {DomainFlags::unanswered, "unanswered"},
    {DomainFlags::carried_over, "carried_over"},
    {DomainFlags::crashed, "crashed"},
    {DomainFlags::saving, "saving"},
    {DomainFlags::no_stats, "no_stats"},
    {DomainFlags::bad_stats, "bad_stats"},
    {DomainFlags::late_stats, "late_stats"},
}};

Json flags_json(DomainFlags flags) {
    Json list = Json::array();
    for (const auto& flag : kFlagNames)
        if (has(flags, flag.first)) list.push_back(flag.second);
    return list;
}

Json nodes_json(std::uint64_t mask) {
    Json list = Json::array();
    for (std::uint32_t id = 0; id < kMostNodes; ++id)
        if ((mask >> id & 1U) != 0) list.push_back(id);
    return list;
}

Json nodes_json(const std::vector<HostNode>& nodes) {
    Json list = Json::array();
    for (const HostNode& node : nodes)
        list.push_back({{"node", node.id},
                        {"total_bytes", known(node.total_bytes)},
                        {"free_bytes", known(node.free_bytes)},
                        {"available_bytes", known(node.available_bytes)},
                        {"short", is_short(node)}});
    return list;
}

std::string_view trouble_of(const Snapshot& snapshot, std::size_t row) {
    const auto found = std::lower_bound(
        snapshot.troubles.begin(), snapshot.troubles.end(), row,
        [](const DomainTrouble& trouble, std::size_t wanted) { return trouble.row < wanted; });
    if (found == snapshot.troubles.end() || found->row != row) return {};
    return found->detail;
}

Json tick_json(const TickStats& tick) {
    return {{"number", tick.number},
            {"time", timestamp(tick.wall)},
            {"took_seconds", seconds_of(tick.took)},
            {"late_seconds", seconds_of(tick.late)},
            {"observe_failures", tick.observe_failures},
            {"events", tick.events},
            {"ooms", tick.ooms},
            {"oom_returned_bytes", tick.oom_returned_bytes}};
}

Json totals_json(const Snapshot& snapshot) {
    const Totals totals = totals_of(snapshot);
    Json constraints = Json::object();
    for (std::size_t i = 0; i < kConstraintCount; ++i)
        if (totals.constrained[i] > 0)
            constraints[std::string(to_string(static_cast<Constraint>(i)))] = totals.constrained[i];
    return {{"count", totals.domains},
            {"total_bytes", totals.total_bytes},
            {"loaned_bytes", totals.loaned_bytes},
            {"loan_target_bytes", totals.loan_target_bytes},
            {"would_lend_bytes", snapshot.dry_run ? Json(totals.decided_bytes) : Json(nullptr)},
            {"oom_freed_bytes", totals.oom_freed_bytes},
            {"constraints", std::move(constraints)}};
}

}  // namespace

std::size_t row_count(const Snapshot& snapshot) noexcept {
    if (!snapshot.names) return 0;
    return std::min(
        {snapshot.names->name.size(), snapshot.names->key.size(), snapshot.decisions.size()});
}

Result<std::size_t> find_row(const Snapshot& snapshot, std::string_view text) {
    static const DomainNames kNone;
    auto row = find_domain(snapshot.names ? *snapshot.names : kNone, text);
    if (row && *row >= row_count(snapshot))
        return fail(Errc::not_found, fmt::format("no domain '{}'", text), ENOENT);
    return row;
}

Json known(std::uint64_t bytes) {
    return bytes == kUnknownBytes ? Json(nullptr) : Json(bytes);
}

Json status_json(const Snapshot& snapshot, std::string_view bus_path) {
    return {{"version", BALLAST_VERSION},
            {"backend",
             {{"name", snapshot.backend_name},
              {"up", snapshot.backend_up},
              {"error", text_or_null(snapshot.backend_error)}}},
            {"policy", snapshot.policy_name},
            {"disabled", snapshot.disabled},
            {"dry_run", snapshot.dry_run},
            {"delay_seconds", seconds_of(snapshot.delay)},
            {"tick", tick_json(snapshot.tick)},
            {"host",
             {{"total_bytes", known(snapshot.host.total_bytes)},
              {"available_bytes", known(snapshot.host.available_bytes)},
              {"reserve_bytes", snapshot.reserve_bytes},
              {"swap_total_bytes", known(snapshot.host.swap_total_bytes)},
              {"swap_free_bytes", known(snapshot.host.swap_free_bytes)},
              {"memory_stall_us", known(snapshot.host.memory_stall_us)},
              {"nodes", nodes_json(snapshot.host.nodes)}}},
            {"domains", totals_json(snapshot)},
            {"state",
             {{"path", text_or_null(snapshot.state.path)},
              {"write_error", text_or_null(snapshot.state.write_error)},
              {"damage", text_or_null(snapshot.state.damage)},
              {"unsaved_domains", snapshot.state.unsaved_domains},
              {"recovered_domains", snapshot.state.recovered_domains}}},
            {"runtime_settings",
             {{"all_domains", text_or_null(snapshot.state.settings)},
              {"domains", snapshot.state.domains_with_settings}}},
            {"bus", {{"path", text_or_null(bus_path)}}}};
}

Json domain_json(const Snapshot& snapshot, std::size_t row) {
    const Decision& decision = snapshot.decisions[row];
    const auto kept = [&](std::uint64_t loaned) {
        return decision.total_bytes - std::min(decision.total_bytes, loaned);
    };
    return {{"name", snapshot.names->name[row]},
            {"host", host_json(snapshot, row)},
            {"uuid", to_string(snapshot.names->key[row])},
            {"total_bytes", decision.total_bytes},
            {"memory_bytes", kept(decision.loaned_after_bytes)},
            {"memory_target_bytes", kept(decision.loan_target_bytes)},
            {"min_mem_bytes", decision.min_mem_bytes},
            {"request_bytes", decision.request_bytes},
            {"decided_bytes", decision.decided_bytes},
            {"would_lend_bytes", snapshot.dry_run ? Json(decision.decided_bytes) : Json(nullptr)},
            {"loan_target_bytes", decision.loan_target_bytes},
            {"loaned_before_bytes", decision.loaned_before_bytes},
            {"loaned_bytes", decision.loaned_after_bytes},
            {"oom_freed_bytes", decision.oom_freed_bytes},
            {"constraint", to_string(decision.constraint)},
            {"outcome", to_string(decision.outcome)},
            {"disabled", decision.disabled},
            {"flags", flags_json(decision.flags)},
            {"page_bytes", std::uint64_t{1} << std::min<unsigned>(decision.page_shift, 63)},
            {"ooms_total", decision.ooms_total},
            {"inflated_total_bytes", decision.inflated_total_bytes},
            {"deflated_total_bytes", decision.deflated_total_bytes},
            {"unused_bytes", known(decision.unused_bytes)},
            {"usable_bytes", known(decision.usable_bytes)},
            {"stats_age_seconds", decision.stats_age_ms == kUnknownBytes
                                      ? Json(nullptr)
                                      : Json(static_cast<double>(decision.stats_age_ms) / 1000)},
            {"limit_bytes", known(decision.limit_bytes)},
            {"nodes", nodes_json(decision.node_mask)},
            {"detail", text_or_null(trouble_of(snapshot, row))}};
}

Json explain_json(const Snapshot& snapshot, std::size_t row) {
    const Constraint constraint = snapshot.decisions[row].constraint;
    return {{"name", snapshot.names->name[row]},
            {"host", host_json(snapshot, row)},
            {"uuid", to_string(snapshot.names->key[row])},
            {"tick", snapshot.tick.number},
            {"constraint", to_string(constraint)},
            {"constraint_meaning", meaning(snapshot.decisions[row])},
            {"nodes", nodes_json(snapshot.decisions[row].node_mask)},
            {"text", explain(snapshot, row)}};
}

Json error_json(std::string_view code, std::string_view message, int sys_errno) {
    const char* name = sys_errno == 0 ? nullptr : ::strerrorname_np(sys_errno);
    return {{"error",
             {{"code", code},
              {"message", message},
              {"errno", sys_errno},
              {"errno_name", name == nullptr ? Json(nullptr) : Json(name)}}}};
}

std::string to_text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ballast
