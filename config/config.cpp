#include "config/config.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <tuple>

#include "base/fd.h"
#include "config/sections.h"
#include "config/yaml_document.h"

namespace ballast {
namespace {

template <class Reader, class Into>
void read_part(Section& root, std::string_view key, Reader&& reader, Into& into) {
    if (const YamlNode* const node = root.find(key)) reader(*node, into, root.problems());
}

Settings read_settings(const YamlNode& node, PolicyCheck check,
                       std::vector<ConfigProblem>& problems) {
    Settings settings;
    Section root(node, "", problems);
    const auto mode = root.choice("mode", {"live", "simulate"});
    if (mode) settings.mode = *mode == 0 ? Mode::live : Mode::simulate;
    read_part(root, "cmm", read_cmm, settings.cmm);
    settings.backend.module_directory = BALLAST_MODULE_DIRECTORY;
    read_part(root, "backend", read_backend, settings.backend);
    // This hypervisor asks for nothing by itself.
    if (settings.backend.name == "libvirt") settings.policy.name = "ballast";
    if (const YamlNode* const policy = root.find("policy"))
        read_policy(*policy, settings.policy, check, problems);
    // The driver knows neither.
    if (settings.cmm.profile == Profile::kernel) {
        settings.guests.stuck_after = Duration{0};
        settings.guests.surge_below_bytes = 0;
    }
    read_part(root, "guests", read_guests, settings.guests);
    read_part(root, "domains", read_domains, settings.domains);
    bool reserve_is_set = false;
    if (const YamlNode* const host = root.find("host")) {
        Section section(*host, "host", problems);
        reserve_is_set = section.size("reserve", settings.host.reserve_bytes);
    }
    read_part(root, "listen", read_listen, settings.listen);
    if (const YamlNode* const metrics = root.find("metrics")) {
        Section section(*metrics, "metrics", problems);
        section.number("max_domains", settings.metrics.max_domains, {0, 1'000'000});
    }
    if (settings.mode == Mode::live) settings.bus.path = kDefaultBusPath;
    read_part(root, "bus", read_bus, settings.bus);
    read_part(root, "state", read_state, settings.state);
    read_part(root, "references", read_references, settings.references);
    read_part(root, "probe", read_probe, settings.probe);
    if (const YamlNode* const scenario = root.find("scenario")) {
        settings.scenario = read_scenario(*scenario, settings.backend.name, problems);
        settings.scenario->hypervisor_calls =
            !settings.cmm.simulate || settings.cmm.simulate_hypervisor;
    }
    // The pseries hypervisor keeps its reserve by itself; behind others there is only us to do so.
    if (settings.scenario && !reserve_is_set &&
        (settings.backend.name == "mock" || settings.backend.name == "workload"))
        settings.host.reserve_bytes = settings.scenario->pool.reserve_bytes;
    // A real host has programs of its own, whatever its operator thought of.
    settings.host.automatic_reserve = !reserve_is_set && settings.backend.name == "libvirt";
    // What hangs on an unreadable mode says nothing.
    if (mode || !root.has("mode")) check_together(root, settings);
    return settings;
}

std::string_view kind_of(mode_t mode) noexcept {
    switch (mode & S_IFMT) {
        case S_IFDIR:
            return "a directory";
        case S_IFIFO:
            return "a pipe";
        case S_IFSOCK:
            return "a socket";
        default:
            return "a device";
    }
}

}  // namespace

std::vector<std::string> ConfigProblems::lines() const {
    std::vector<std::string> lines;
    for (const ConfigProblem& item : items)
        lines.push_back(
            item.line > 0 ? fmt::format("{}:{}:{}: {}", file, item.line, item.column, item.message)
                          : fmt::format("{}: {}", file, item.message));
    return lines;
}

std::string ConfigProblems::text() const {
    std::string text;
    for (const std::string& line : lines()) text += line + "\n";
    return text;
}

ConfigResult parse_config(std::string_view text, const std::string& name, PolicyCheck check) {
    std::vector<ConfigProblem> problems;
    const YamlNode root = read_yaml(text, problems);
    Settings settings;
    if (problems.empty() && root.kind != YamlNode::Kind::map) {
        problems.push_back(
            {root.line, root.column,
             fmt::format("the file holds {}, expected a map of keys such as 'mode' and "
                         "'backend'",
                         describe(root.kind))});
    } else if (root.kind == YamlNode::Kind::map) {
        settings = read_settings(root, check, problems);
    }
    if (problems.empty()) {
        settings.text = text;
        return settings;
    }
    std::stable_sort(problems.begin(), problems.end(), [](const auto& a, const auto& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    return ConfigProblems{name, std::move(problems)};
}

ConfigResult load_config(const std::string& path, PolicyCheck check) {
    const auto problem = [&](std::string message) {
        return ConfigProblems{path, {{0, 0, std::move(message)}}};
    };
    const auto unreadable = [&] {
        return problem("cannot be read: " + std::generic_category().message(errno));
    };
    // Non-blocking: opening a FIFO without a writer would wait.
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat found {};
    if (!file || ::fstat(file.get(), &found) != 0) return unreadable();
    if (!S_ISREG(found.st_mode))
        return problem(fmt::format("is {}, expected a regular file", kind_of(found.st_mode)));
    std::string text;
    text.resize(kMaxConfigBytes + 1);  // read_yaml refuses more
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return unreadable();
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    text.resize(size);
    ConfigResult result = parse_config(text, path, check);
    // A trace's name counts from the file that names it.
    if (auto* const settings = std::get_if<Settings>(&result))
        if (settings->scenario && !settings->scenario->trace.path.empty())
            settings->scenario->trace.path =
                (std::filesystem::path(path).parent_path() / settings->scenario->trace.path)
                    .string();
    return result;
}

}  // namespace ballast
