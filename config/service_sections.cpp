// Where the daemon connects, listens and keeps its state.
#include <fmt/format.h>
#include <sys/un.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "config/sections.h"
#include "config/text.h"
#include "model/backend_name.h"

namespace ballast {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::size_t kMaxPath = 4095;
constexpr std::size_t kMostConnections = 16;

// "name:80", "127.0.0.1:0", "[::1]:9835".
bool is_host_and_port(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    const std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (!bracketed && host.find_first_of(":[]") != std::string_view::npos) return false;
    if (host.find_first_of(" \t\n/") != std::string_view::npos) return false;
    unsigned port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
    return error == std::errc{} && stop == end && port <= 65535;
}

void read_path(Section& section, std::string_view key, std::string& into, std::size_t most_bytes) {
    std::string path;
    if (!section.text(key, path)) return;
    if (!path.empty() && path.front() != '/') {
        section.problem(key, fmt::format("{} is '{}', expected an absolute path",
                                         section.full_name(key), shown(path)));
    } else if (path.size() > most_bytes) {
        section.problem(key, fmt::format("{} is {} bytes long, expected at most {}",
                                         section.full_name(key), path.size(), most_bytes));
    } else {
        into = path;
    }
}

// One text, or a list of them.
void read_uris(Section& section, std::vector<std::string>& into) {
    const YamlNode* const given = section.find("uri");
    if (given == nullptr) return;
    const bool is_list = given->kind == YamlNode::Kind::sequence;
    const std::vector<YamlNode> all = is_list ? given->items : std::vector{*given};
    std::vector<std::string> uris;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto wrong = [&](std::string_view expected) {
            add_problem(
                section.problems(), all[i],
                fmt::format("backend.uri{} is {}, expected {}",
                            is_list ? fmt::format("[{}]", i) : "", found(all[i]), expected));
        };
        const std::string& uri = all[i].text;
        const bool is_uri = all[i].kind == YamlNode::Kind::scalar &&
                            uri.find("://") != std::string::npos &&
                            uri.find_first_of(" \t\r\n") == std::string::npos;
        if (!is_uri)
            wrong(is_list ? "a libvirt URI such as qemu:///system"
                          : "a libvirt URI such as qemu:///system, or a list of them");
        else if (std::find(uris.begin(), uris.end(), uri) != uris.end())
            wrong("each connection once");
        else
            uris.push_back(uri);
    }
    if (all.empty() || all.size() > kMostConnections)
        section.problem("uri", fmt::format("backend.uri has {} entries, expected 1 to {}",
                                           all.size(), kMostConnections));
    into = std::move(uris);
}

void read_host_names(Section& section, std::vector<std::string>& into) {
    const YamlNode* const list = section.list("host_names");
    if (list == nullptr) return;
    for (std::size_t i = 0; i < list->items.size(); ++i) {
        const YamlNode& item = list->items[i];
        const bool is_name = item.kind == YamlNode::Kind::scalar && !item.text.empty() &&
                             item.text.size() <= 253 &&
                             std::all_of(item.text.begin(), item.text.end(), [](unsigned char c) {
                                 return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
                             });
        if (is_name)
            into.push_back(item.text);
        else
            add_problem(section.problems(), item,
                        fmt::format("listen.host_names[{}] is {}, expected a host's name such as "
                                    "host1.example.com, without a port",
                                    i, found(item)));
    }
}

// A file of one's own: any name, and settings that only the file knows.
void read_module(Section& section, BackendSettings& into) {
    std::string given;
    section.text("module", given);
    if (given.empty() && section.has("module"))
        section.problem("module", "backend.module is empty, expected the path of a shared object");
    if (!given.empty()) read_path(section, "module", into.module_path, kMaxPath);
    if (into.module_path.empty()) into.module_path = given;  // one's own, whatever is wrong with it
    section.require("name", "what the backend of this module is to be called");
    if (section.text("name", into.name) && !is_backend_name(into.name))
        section.problem("name", fmt::format("backend.name is '{}', expected a lower-case letter, "
                                            "then those, digits, '_' or '-', at most 31",
                                            shown(into.name)));
    const YamlNode* const settings = section.find("settings");
    if (settings == nullptr) return;
    Section all(*settings, "backend.settings", section.problems());
    all.accept_any_key();
    for (const auto& [key, value] : settings->fields)
        if (std::string text; all.text(key.text, text))
            into.module_settings.emplace_back(key.text, text);
}

}  // namespace

void read_backend(const YamlNode& node, BackendSettings& into,
                  std::vector<ConfigProblem>& problems) {
    Section section(node, "backend", problems);
    static const std::vector<std::string_view> kNames{"pseries", "libvirt", "mock", "workload"};
    section.flag("force_unload", into.force_unload);
    section.duration("call_timeout", into.call_timeout, {seconds(1), hours(1)});
    read_path(section, "module_directory", into.module_directory, kMaxPath);
    if (section.has("module")) return read_module(section, into);
    if (section.find("settings") != nullptr)
        section.problem("settings",
                        "backend.settings are for a backend of one's own, expected backend.module "
                        "as well");
    if (const auto name = section.choice("name", kNames)) {
        into.name = kNames[*name];
    } else if (section.has("name")) {
        into.name.clear();  // unknown; nothing can be checked against it
    }
    read_uris(section, into.uris);
    section.number("stats_period", into.stats_period_s, {1, 3600});
    const bool has_min =
        section.duration("reconnect_min", into.reconnect_min, {milliseconds(100), hours(1)});
    const bool has_max =
        section.duration("reconnect_max", into.reconnect_max, {milliseconds(100), hours(1)});
    if ((has_min || has_max) && into.reconnect_max < into.reconnect_min) {
        section.problem(
            has_max ? "reconnect_max" : "reconnect_min",
            fmt::format("backend.reconnect_max ({}) is shorter than reconnect_min ({}), "
                        "expected the same or longer",
                        format_duration(into.reconnect_max), format_duration(into.reconnect_min)));
    }
    if (into.name == "libvirt" || into.name.empty()) return;
    for (const std::string_view key : {"uri", "stats_period", "reconnect_min", "reconnect_max"}) {
        if (!section.has(key)) continue;
        section.problem(
            key, fmt::format("backend.{} is for backend libvirt, found with '{}'", key, into.name));
    }
}

void read_policy(const YamlNode& node, PolicySettings& into, PolicyCheck check,
                 std::vector<ConfigProblem>& problems) {
    Section section(node, "policy", problems);
    std::vector<std::string_view> names;
    for (const PolicyEntry& entry : policy_catalogue()) names.push_back(entry.name);
    if (const auto name = section.choice("name", names)) into.name = names[*name];
    const PolicyEntry& entry = *find_policy(into.name);
    PolicyChoice choice = default_choice(entry.kind);
    const std::size_t problems_before = problems.size();
    bool given = false;
    for (std::size_t i = 0; i < entry.parameters.size(); ++i) {
        const PolicyParameter& parameter = entry.parameters[i];
        given |= section.real(parameter.name, choice.numbers[i], parameter.least, parameter.most);
    }
    for (const std::string_view name : entry.texts) {
        std::string text;
        if (!section.text(name, text)) continue;
        choice.texts.emplace_back(name, std::move(text));
        given = true;
    }
    if (!given) return;
    if (check != nullptr && problems.size() == problems_before) {
        if (const auto right = check(choice); !right) {
            const std::string message = right.error().message();
            const auto text =
                std::find_if(entry.texts.begin(), entry.texts.end(), [&](std::string_view name) {
                    return message.starts_with(std::string(name) + ":");
                });
            section.problem(text == entry.texts.end() ? "" : *text, "policy." + message);
        }
    }
    into.choice = std::move(choice);
}

void read_listen(const YamlNode& node, ListenSettings& into, std::vector<ConfigProblem>& problems) {
    Section section(node, "listen", problems);
    if (section.text("http", into.http) && !into.http.empty() && !is_host_and_port(into.http)) {
        section.problem("http", fmt::format("listen.http is '{}', expected HOST:PORT such as "
                                            "127.0.0.1:9835 or [::1]:9835, or \"\" for none",
                                            shown(into.http)));
    }
    read_path(section, "api", into.api, kMaxSocketPath);
    section.text("api_group", into.api_group);
    read_host_names(section, into.host_names);
}

void read_bus(const YamlNode& node, BusSettings& into, std::vector<ConfigProblem>& problems) {
    Section section(node, "bus", problems);
    read_path(section, "path", into.path, kMaxPath);
    section.number("size_kib", into.size_kib, {16, 1024 * 1024});
}

void read_state(const YamlNode& node, StateSettings& into, std::vector<ConfigProblem>& problems) {
    Section section(node, "state", problems);
    read_path(section, "path", into.path, kMaxPath);
    if (into.path.empty()) {
        section.problem("path", "state.path is empty, expected an absolute path");
    }
    if (const auto on_stop = section.choice("on_stop", {"release", "keep"})) {
        into.on_stop = *on_stop == 0 ? OnStop::release : OnStop::keep;
    }
    section.duration("stop_timeout", into.stop_timeout, {seconds(1), minutes(10)});
}

}  // namespace ballast
