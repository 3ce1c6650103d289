// The readers of each part of the file; every one takes defaults and leaves what it could read.
#pragma once

#include "config/section.h"
#include "config/settings.h"

namespace ballast {

void read_cmm(const YamlNode& node, CmmSettings& into, std::vector<ConfigProblem>& problems);
void read_guests(const YamlNode& node, GuestSettings& into, std::vector<ConfigProblem>& problems);
void read_domains(const YamlNode& node, std::vector<DomainOverride>& into,
                  std::vector<ConfigProblem>& problems);
void read_backend(const YamlNode& node, BackendSettings& into,
                  std::vector<ConfigProblem>& problems);
void read_policy(const YamlNode& node, PolicySettings& into, PolicyCheck check,
                 std::vector<ConfigProblem>& problems);
void read_listen(const YamlNode& node, ListenSettings& into, std::vector<ConfigProblem>& problems);
void read_state(const YamlNode& node, StateSettings& into, std::vector<ConfigProblem>& problems);
void read_bus(const YamlNode& node, BusSettings& into, std::vector<ConfigProblem>& problems);
void read_references(const YamlNode& node, ReferenceSettings& into,
                     std::vector<ConfigProblem>& problems);
void read_probe(const YamlNode& node, ProbeSettings& into, std::vector<ConfigProblem>& problems);
// `backend` decides which calls and answers a fault may name; empty = unknown, any will do.
Scenario read_scenario(const YamlNode& node, const std::string& backend,
                       std::vector<ConfigProblem>& problems);

// What the parts mean to each other. `root` is the whole file.
void check_together(Section& root, const Settings& settings);

}  // namespace ballast
