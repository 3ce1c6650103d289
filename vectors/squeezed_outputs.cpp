#include <algorithm>
#include <string>
#include <vector>

#include "policy/peers/squeezed_calls.h"
#include "vectors/json_input.h"
#include "vectors/outputs.h"

namespace ballast::vectors {
namespace {

using nlohmann::json;
using namespace squeezed;

Faults read_faults(const JsonInput& input) {
    Faults faults;
    for (const JsonInput& each : input["fistpoints"].items()) {
        const std::string name = each.text();
        if (name == "disable_two_phase")
            faults.disable_two_phase = true;
        else if (name == "disable_inaccuracy_compensation")
            faults.disable_inaccuracy_compensation = true;
        else
            each.complain("disable_two_phase or disable_inaccuracy_compensation");
    }
    return faults;
}

Host read_host(const JsonInput& input) {
    Host host;
    host.free_kib = input["free_mem_kib"].whole();
    for (const JsonInput& each : input["domains"].items())
        host.domains.push_back({.domid = each["domid"].whole(),
                                .can_balloon = each["can_balloon"].flag(),
                                .min_kib = each["dynamic_min_kib"].whole(),
                                .max_kib = each["dynamic_max_kib"].whole(),
                                .target_kib = each["target_kib"].whole(),
                                .actual_kib = each["memory_actual_kib"].whole(),
                                .inaccuracy_kib = each["inaccuracy_kib"].whole()});
    std::sort(host.domains.begin(), host.domains.end(),
              [](const Domain& a, const Domain& b) { return a.domid > b.domid; });
    if (std::adjacent_find(host.domains.begin(), host.domains.end(),
                           [](const Domain& a, const Domain& b) { return a.domid == b.domid; }) !=
        host.domains.end())
        input["domains"].complain("each domid once");
    return host;
}

json to_json(const std::vector<Target>& targets) {
    json all = json::array();
    for (const Target& target : targets) all.push_back({target.domid, target.target_kib});
    return all;
}

json targets(const JsonInput& input) {
    const Host host = read_host(input);
    const std::int64_t host_target_kib = input["host_target_kib"].whole();
    std::vector<Target> all;
    compute_targets(host, host_target_kib, read_faults(input), all);
    return {{"targets", to_json(all)}};
}

json to_json(const Look& look) {
    json action{{"result", "success"}};
    if (look.action == Look::Action::adjust)
        action = {{"result", "adjust"}, {"targets", to_json(look.targets)}};
    else if (look.action == Look::Action::failed)
        action = {{"result", "failed"}, {"domids", look.refused}};
    return {{"declared_active", look.became_active},
            {"declared_inactive", look.became_inactive},
            {"non_active", look.inactive},
            {"action", std::move(action)}};
}

// A condition as the vectors write it. `host_target_kib` is what some are relative to.
Goal read_goal(const JsonInput& input, std::int64_t host_target_kib) {
    const std::string text = input["success"].text();
    const std::int64_t threshold_kib = input["threshold_kib"].whole();
    if (text == "free_mem_kib >= threshold_kib") return {Goal::Test::at_least, threshold_kib};
    if (text == "free_mem_kib <= threshold_kib") return {Goal::Test::at_most, threshold_kib};
    if (text == "free_mem_kib - host_target_kib < threshold_kib")
        return {Goal::Test::below, host_target_kib + threshold_kib};
    input["success"].complain(
        "free_mem_kib >= or <= threshold_kib, or free_mem_kib - "
        "host_target_kib < threshold_kib");
    return {};
}

json looks(const JsonInput& input) {
    Iteration iteration(read_faults(input));
    Look look;
    json steps = json::array();
    for (const JsonInput& step : input["steps"].items()) {
        const std::int64_t host_target_kib = step["host_target_kib"].whole();
        const Goal goal = read_goal(input, host_target_kib);
        const double now_s = step["now_s"].number();
        iteration.look_at(read_host(step), host_target_kib, goal, now_s, look);
        steps.push_back(to_json(look));
    }
    return {{"steps", std::move(steps)}};
}

// Hands out what was recorded, and writes down what is asked and done.
class Recorded final : public World {
  public:
    explicit Recorded(const JsonInput& input)
        : hosts_(input["hosts"].items()), times_(input["times_s"].items()) {}

    std::optional<Host> host() override {
        if (next_host_ == hosts_.size()) return std::nullopt;
        events_.push_back({"host"});
        return read_host(hosts_[next_host_++]);
    }
    std::optional<double> now_s() override {
        if (next_time_ == times_.size()) return std::nullopt;
        events_.push_back({"time"});
        return times_[next_time_++].number();
    }
    void set_limit(const Target& limit) override {
        events_.push_back({"maxmem", limit.domid, limit.target_kib});
    }
    void set_target(const Target& target) override {
        events_.push_back({"target", target.domid, target.target_kib});
    }
    void wait_s(double seconds) override { events_.push_back({"wait", seconds}); }

    json output(json end) { return {{"events", std::move(events_)}, {"end", std::move(end)}}; }

  private:
    std::vector<JsonInput> hosts_, times_;
    std::size_t next_host_ = 0;
    std::size_t next_time_ = 0;
    json events_ = json::array();
};

json to_json(const End& end) {
    switch (end.outcome) {
        case End::Outcome::ok:
            return {{"outcome", "ok"}};
        case End::Outcome::cannot_free:
            return {{"outcome", "cannot_free"},
                    {"needed_kib", end.needed_kib},
                    {"free_kib", end.free_kib}};
        case End::Outcome::refused:
            return {{"outcome", "refused"}, {"domids", end.domids}};
        case End::Outcome::world_ended:
            return {{"outcome", "model_failure"}};
    }
    return {};
}

json call(const JsonInput& input) {
    const std::string name = input["call"].text();
    Recorded world(input);
    Settings settings{.host_target_kib = input["target_host_free_mem_kib"].whole(),
                      .faults = read_faults(input)};
    if (name == "change_host_free_memory") {
        const Goal goal = read_goal(input, settings.host_target_kib);
        const std::int64_t required_kib = input["required_kib"].whole();
        return world.output(to_json(change_host_free_memory(world, required_kib, goal, settings)));
    }
    settings.tolerance_kib = input["free_memory_tolerance_kib"].whole();
    if (name == "free_memory")
        return world.output(to_json(free_memory(world, input["required_kib"].whole(), settings)));
    if (name == "free_memory_range") {
        std::int64_t amount_kib = 0;
        const std::int64_t least_kib = input["min_kib"].whole();
        const std::int64_t most_kib = input["max_kib"].whole();
        const End end = free_memory_range(world, least_kib, most_kib, settings, amount_kib);
        json told = to_json(end);
        if (end.outcome == End::Outcome::ok) told["value"] = amount_kib;
        return world.output(std::move(told));
    }
    if (name == "balance_memory") {
        balance_memory(world, settings);
        return world.output({{"outcome", "returned"}});
    }
    if (name == "unbalanced") {
        const std::optional<bool> unbalanced = is_host_memory_unbalanced(world, settings);
        return world.output(unbalanced ? json{{"outcome", "ok"}, {"value", *unbalanced}}
                                       : to_json(End{.outcome = End::Outcome::world_ended}));
    }
    input["call"].complain(
        "change_host_free_memory, free_memory, free_memory_range, "
        "balance_memory or unbalanced");
    return {};
}

}  // namespace

Result<json> squeezed_output(std::string_view kind, const json& input) {
    std::optional<Error> problem;
    const JsonInput reader(input, "input", problem);
    json output;
    if (kind.starts_with("targets"))
        output = targets(reader);
    else if (kind == "iteration")
        output = looks(reader);
    else if (kind.starts_with("call_") || kind == "upstream_scenario")
        output = call(reader);
    else
        return fail(Errc::invalid_argument, "'" + std::string(kind) +
                                                "' is no kind of squeezed's, expected targets..., "
                                                "iteration, call_... or upstream_scenario");
    if (problem) return tl::unexpected(*problem);
    return output;
}

}  // namespace ballast::vectors
