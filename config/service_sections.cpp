// Where the daemon connects, listens and keeps its state.
#include <fmt/format.h>
#include <sys/un.h>

#include <charconv>

#include "config/sections.h"

namespace ballast {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kMaxSocketPath = sizeof(sockaddr_un::sun_path) - 1;

bool is_host_and_port(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) return false;
    unsigned port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
    return error == std::errc{} && stop == end && port <= 65535;
}

}  // namespace

void read_backend(const YamlNode& node, BackendSettings& into,
                  std::vector<ConfigProblem>& problems) {
    Section section(node, "backend", problems);
    static const std::vector<std::string_view> kNames{"pseries", "libvirt", "mock"};
    if (const auto name = section.choice("name", kNames)) into.name = kNames[*name];
    if (section.text("uri", into.uri) && into.uri.empty()) {
        section.problem("uri",
                        "backend.uri is empty, expected a libvirt URI such as qemu:///system");
    }
    section.number("stats_period", into.stats_period_s, {1, 3600});
    section.duration("reconnect_min", into.reconnect_min, {milliseconds(100), hours(1)});
    section.duration("reconnect_max", into.reconnect_max, {milliseconds(100), hours(1)});
    if (into.reconnect_max < into.reconnect_min) {
        section.problem(
            "reconnect_max",
            "backend.reconnect_max is shorter than reconnect_min, expected the same or longer");
    }
    if (into.name != "libvirt") {
        for (const std::string_view key :
             {"uri", "stats_period", "reconnect_min", "reconnect_max"}) {
            if (section.has(key)) {
                section.problem(
                    key, fmt::format("backend.{} belongs to backend libvirt, found with {}", key,
                                     into.name));
            }
        }
    }
}

void read_policy(const YamlNode& node, PolicySettings& into, std::vector<ConfigProblem>& problems) {
    Section section(node, "policy", problems);
    static const std::vector<std::string_view> kNames{"cmm", "fixed"};
    if (const auto name = section.choice("name", kNames)) into.name = kNames[*name];
}

void read_listen(const YamlNode& node, ListenSettings& into, std::vector<ConfigProblem>& problems) {
    Section section(node, "listen", problems);
    if (section.text("http", into.http) && !into.http.empty() && !is_host_and_port(into.http)) {
        section.problem("http", fmt::format("listen.http is '{}', expected HOST:PORT such as "
                                            "127.0.0.1:9835, or \"\" for none",
                                            shown(into.http)));
    }
    if (section.text("api", into.api) && !into.api.empty()) {
        if (into.api.front() != '/') {
            section.problem("api", fmt::format("listen.api is '{}', expected an absolute path",
                                               shown(into.api)));
        } else if (into.api.size() > kMaxSocketPath) {
            section.problem("api", fmt::format("listen.api is {} bytes long, expected at most {}",
                                               into.api.size(), kMaxSocketPath));
        }
    }
    section.text("api_group", into.api_group);
}

void read_state(const YamlNode& node, StateSettings& into, std::vector<ConfigProblem>& problems) {
    Section section(node, "state", problems);
    if (const auto on_stop = section.choice("on_stop", {"release", "keep"})) {
        into.on_stop = *on_stop == 0 ? OnStop::release : OnStop::keep;
    }
    section.duration("stop_timeout", into.stop_timeout, {seconds(1), minutes(10)});
}

}  // namespace ballast
