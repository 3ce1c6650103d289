#include <fmt/format.h>

#include "config/sections.h"

namespace ballast {
namespace {

void check_backend(Section& root, const Settings& settings) {
    const bool live = settings.mode == Mode::live;
    const std::string& backend = settings.backend.name;
    if (backend.empty() || !settings.backend.module_path.empty()) return;
    if (live && backend != "libvirt") {
        root.problem("backend",
                     fmt::format("backend '{}' is a simulation, expected libvirt or mode: simulate",
                                 backend));
    } else if (!live && !root.has("backend")) {
        root.problem("backend",
                     "backend is missing, expected name: pseries or name: mock in mode: "
                     "simulate");
    } else if (!live && backend == "libvirt") {
        root.problem("backend",
                     "backend 'libvirt' is live, expected pseries or mock in mode: simulate");
    }
}

void check_scenario(Section& root, const Settings& settings) {
    const bool live = settings.mode == Mode::live;
    if (!live && !root.has("scenario")) {
        root.problem("mode", "mode: simulate needs a scenario, found none");
    } else if (live && settings.scenario) {
        root.problem("scenario", "a scenario means nothing in mode: live, expected mode: simulate");
    }
}

void check_policy(Section& root, const Settings& settings) {
    const bool follows_requests = settings.policy.name == "cmm" && !settings.cmm.simulate;
    const bool built_in = settings.backend.module_path.empty();
    if (built_in && settings.backend.name == "libvirt" && follows_requests) {
        root.problem("policy",
                     "policy 'cmm' follows a hypervisor's own requests, and libvirt makes none; "
                     "expected policy fixed, ballast or another that asks by itself");
    }
}

}  // namespace

void check_together(Section& root, const Settings& settings) {
    check_backend(root, settings);
    check_scenario(root, settings);
    check_policy(root, settings);
}

}  // namespace ballast
