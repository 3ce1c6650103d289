#include "policy/peers/proxmox.h"

#include <string>
#include <vector>

#include "vectors/fields.h"
#include "vectors/outputs.h"

namespace ballast::vectors {
namespace {

using Json = nlohmann::json;

struct Machines {
    std::vector<std::string> ids;  // as text sorts them
    std::vector<proxmox::Vm> vms;
};

proxmox::Vm read_vm(const Json& input) {
    proxmox::Vm vm;
    vm.max_bytes = number_if_any(input, "maxmem").value_or(0);
    vm.balloon_bytes = number_if_any(input, "balloon").value_or(0);
    vm.min_bytes = number_if_any(input, "balloon_min").value_or(0);
    vm.free_bytes = number_if_any(input, "freemem").value_or(0);
    vm.shares = number_if_any(input, "shares");
    // Other locks do not keep it from being ballooned.
    if (const Json* const lock = find(input, "lock")) vm.migrating = *lock == "migrate";
    return vm;
}

Machines read_machines(const Json& input) {
    Machines machines;
    for (const auto& [id, vm] : object_in(input, "vmstatus").items()) {
        machines.ids.push_back(id);
        machines.vms.push_back(read_vm(vm));
    }
    return machines;
}

Json compute(const Json& input) {
    const Machines machines = read_machines(input);
    proxmox::AutoBalloon algorithm;
    const auto targets =
        algorithm.compute(machines.vms, number(input, "goal"), number(input, "maxchange"));
    Json result = Json::object();
    for (std::size_t row = 0; row < targets.size(); ++row)
        if (targets[row]) result[machines.ids[row]] = whole(*targets[row]);
    return result;
}

// What the daemon makes of it: a goal from the host's figures, and the commands it sends.
Json status_daemon(const Json& input) {
    constexpr double most_change_bytes = 100.0 * 1024 * 1024;
    const double target_percent =
        std::trunc(number_if_any(input, "ballooning_target").value_or(80));
    const double goal_bytes = proxmox::host_goal_bytes(number(input, "memtotal"),
                                                       number(input, "memused"), target_percent);
    const Machines machines = read_machines(input);
    proxmox::AutoBalloon algorithm;
    const auto targets = algorithm.compute(machines.vms, goal_bytes, most_change_bytes);
    Json commands = Json::array();
    for (std::size_t row = 0; row < targets.size(); ++row)
        if (targets[row] && *targets[row] != machines.vms[row].balloon_bytes)
            commands.push_back({machines.ids[row], whole(*targets[row])});
    return {{"goal", whole(goal_bytes)}, {"commands", std::move(commands)}};
}

// Computations one after the other; what each asked for last is the result.
Json series(const Json& input) {
    Json steps = Json::array();
    Json result = Json::object();
    for (const Json& step : list(input, "steps")) {
        Json targets = compute(step);
        result.update(targets);
        steps.push_back({{"new_balloon", std::move(targets)}});
    }
    return {{"steps", std::move(steps)}, {"expected", result}, {"result", result}};
}

}  // namespace

Result<Json> proxmox_output(std::string_view kind, const Json& input) {
    try {
        if (kind == "pvestatd") return status_daemon(input);
        if (kind == "test" || kind == "sim") return series(input);
        return Json{{"new_balloon", compute(input)}};
    } catch (const BadInput& bad) {
        return fail(Errc::invalid_argument, "expected " + bad.expected);
    }
}

}  // namespace ballast::vectors
