#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "config/sections.h"

namespace ballast {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::uint64_t kMaxDomains = 1'000'000;
constexpr std::size_t kMaxTestedNames = 10'000;  // beyond, globs are checked against the first ones
constexpr Section::Span kScenarioSpan{Duration{0}, hours(24 * 3660)};
constexpr std::uint64_t kLargestGuest = std::uint64_t{1} << 46U;  // 64 TiB

constexpr std::array kActions{
    ScenarioAction::loan_request,  ScenarioAction::used,           ScenarioAction::oom,
    ScenarioAction::pause,         ScenarioAction::resume,         ScenarioAction::hotplug_remove,
    ScenarioAction::hotplug_add,   ScenarioAction::hotplug_cancel, ScenarioAction::migrate,
    ScenarioAction::migrate_pages, ScenarioAction::domain_stop,    ScenarioAction::domain_start,
    ScenarioAction::driver_gone,   ScenarioAction::stats_stale,    ScenarioAction::set_parameter};

class ScenarioReader {
  public:
    ScenarioReader(const std::string& backend, std::vector<ConfigProblem>& problems)
        : backend_(backend), problems_(problems) {}

    Scenario read(const YamlNode& node) {
        Section section(node, "scenario", problems_);
        if (!section.text("description", scenario_.description) || scenario_.description.empty()) {
            section.problem(
                "description",
                "scenario.description is missing, expected one sentence on what happens");
        }
        section.duration("duration", scenario_.duration, {milliseconds(10), kScenarioSpan.max});
        section.number("seed", scenario_.seed, {0, std::uint64_t{1} << 62U});
        if (const YamlNode* const pool = section.find("pool")) read_pool(*pool);
        if (const YamlNode* const domains = section.list("domains")) {
            for (const YamlNode& item : domains->items) read_domain(item);
        }
        if (scenario_.domains.empty()) {
            section.problem("domains", "scenario.domains has no domain, expected at least one");
        }
        collect_names();
        if (const YamlNode* const events = section.list("events")) {
            for (const YamlNode& item : events->items) read_event(item);
        }
        if (const YamlNode* const faults = section.list("faults")) {
            for (const YamlNode& item : faults->items) read_fault(item);
        }
        return std::move(scenario_);
    }

  private:
    void read_pool(const YamlNode& node) {
        Section section(node, "scenario.pool", problems_);
        section.size("memory", scenario_.pool.memory_bytes);
        section.size("reserve", scenario_.pool.reserve_bytes);
    }

    void read_domain(const YamlNode& node) {
        Section section(node, fmt::format("scenario.domains[{}]", scenario_.domains.size()),
                        problems_);
        ScenarioDomain& domain = scenario_.domains.emplace_back();
        if (!section.text("name", domain.name) || domain.name.empty()) {
            section.problem("name", fmt::format("{} is missing, expected the domain's name",
                                                section.full_name("name")));
        }
        section.number("count", domain.count, {1, kMaxDomains});
        section.size("memory", domain.memory_bytes, {kMiB, kLargestGuest});
        std::uint64_t page_bytes = domain.page_bytes;
        if (section.size("page", page_bytes)) {
            if (page_bytes == 4 * kKiB || page_bytes == 64 * kKiB) {
                domain.page_bytes = static_cast<std::uint32_t>(page_bytes);
            } else {
                section.problem("page",
                                fmt::format("{} is {}, expected 4KiB or 64KiB",
                                            section.full_name("page"), format_size(page_bytes)));
            }
        }
        if (section.size("memory_block", domain.memory_block_bytes, {kMiB, kGiB}) &&
            (domain.memory_block_bytes & (domain.memory_block_bytes - 1)) != 0) {
            section.problem("memory_block", fmt::format("{} is {}, expected a power of two",
                                                        section.full_name("memory_block"),
                                                        format_size(domain.memory_block_bytes)));
        }
        section.size("entitled", domain.entitled_bytes, {0, kLargestGuest});
        section.number("weight", domain.weight, {0, 255});
        if (const YamlNode* const used = section.find("used")) {
            domain.used = read_curve(*used, section.full_name("used"), domain.memory_bytes);
        }
        if (const YamlNode* const loan = section.find("loan")) {
            domain.loan = read_curve(*loan, section.full_name("loan"), kLargestGuest);
        }
        section.flag("deflate_on_oom", domain.deflate_on_oom);
        section.size("speed", domain.speed_bytes_per_s);
        if (domain.memory_bytes % domain.page_bytes != 0) {
            section.problem(
                "memory",
                fmt::format("{} is {}, expected whole pages of {}", section.full_name("memory"),
                            format_size(domain.memory_bytes), format_size(domain.page_bytes)));
        }
        domain_nodes_.push_back(&node);
    }

    // SIZE, or {points: [[TIME, SIZE], ...], repeat: TIME, jitter_percent: N}.
    Curve read_curve(const YamlNode& node, const std::string& name, std::uint64_t most_bytes) {
        Curve curve;
        if (node.kind == YamlNode::Kind::scalar) {
            read_point_size(node, name, most_bytes, curve.points.emplace_back().bytes);
            return curve;
        }
        Section section(node, name, problems_);
        if (const YamlNode* const points = section.list("points")) {
            for (const YamlNode& item : points->items) read_point(item, name, most_bytes, curve);
        }
        if (curve.points.empty()) {
            section.problem("points",
                            fmt::format("{} has no points, expected [[TIME, SIZE], ...]", name));
        }
        section.duration("repeat", curve.period, {milliseconds(10), kScenarioSpan.max});
        section.number("jitter_percent", curve.jitter_percent, {0, 100});
        return curve;
    }

    void read_point(const YamlNode& node, const std::string& name, std::uint64_t most_bytes,
                    Curve& curve) {
        if (node.kind != YamlNode::Kind::sequence || node.items.size() != 2 ||
            node.items[0].kind != YamlNode::Kind::scalar) {
            add_problem(problems_, node, fmt::format("{}: expected a point as [TIME, SIZE]", name));
            return;
        }
        Curve::Point point;
        const auto at = parse_duration(node.items[0].text);
        if (!at) {
            add_problem(problems_, node.items[0],
                        fmt::format("{}: '{}', expected a time such as 10m", name,
                                    shown(node.items[0].text)));
            return;
        }
        point.at = *at;
        if (!curve.points.empty() && point.at <= curve.points.back().at) {
            add_problem(problems_, node.items[0],
                        fmt::format("{}: {} is not after the point before it", name,
                                    format_duration(point.at)));
            return;
        }
        if (read_point_size(node.items[1], name, most_bytes, point.bytes))
            curve.points.push_back(point);
    }

    bool read_point_size(const YamlNode& node, const std::string& name, std::uint64_t most_bytes,
                         std::uint64_t& into) {
        const auto bytes = parse_size(node.text);
        if (node.kind != YamlNode::Kind::scalar || !bytes || *bytes > most_bytes) {
            add_problem(problems_, node,
                        fmt::format("{} is '{}', expected a size from 0 B to {}", name,
                                    shown(node.text), format_size(most_bytes)));
            return false;
        }
        into = *bytes;
        return true;
    }

    void collect_names() {
        std::uint64_t total = 0;
        std::unordered_map<std::string, std::size_t> taken;
        for (std::size_t i = 0; i < scenario_.domains.size(); ++i) {
            const ScenarioDomain& domain = scenario_.domains[i];
            total += domain.count;
            for (std::uint32_t n = 1; n <= domain.count && taken.size() < kMaxTestedNames; ++n) {
                std::string name =
                    domain.count == 1 ? domain.name : domain.name + std::to_string(n);
                names_.push_back(name);
                if (!taken.try_emplace(std::move(name), i).second) {
                    add_problem(problems_, *domain_nodes_[i],
                                fmt::format("scenario.domains[{}]: the name '{}' is taken already",
                                            i, shown(names_.back())));
                    break;
                }
            }
        }
        if (total > kMaxDomains) {
            add_problem(problems_, *domain_nodes_.front(),
                        fmt::format("scenario.domains: {} domains in all, expected at most {}",
                                    total, kMaxDomains));
        }
    }

    void read_target(Section& section, std::string& into) {
        if (!section.text("domain", into) || into.empty()) return;
        const bool known = std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
            return fnmatch(into.c_str(), name.c_str(), 0) == 0;
        });
        if (!known && names_.size() < kMaxTestedNames) {
            section.problem("domain", fmt::format("{} is '{}', expected a domain of the scenario: "
                                                  "none has that name or matches it",
                                                  section.full_name("domain"), shown(into)));
        }
    }

    void read_event(const YamlNode& node) {
        Section section(node, fmt::format("scenario.events[{}]", scenario_.events.size()),
                        problems_);
        ScenarioEvent& event = scenario_.events.emplace_back();
        if (!section.duration("at", event.at, {Duration{0}, scenario_.duration}) &&
            !section.has("at")) {
            section.problem("at", fmt::format("{} is missing, expected a time since the start",
                                              section.full_name("at")));
        }
        std::vector<std::string_view> names;
        for (const ScenarioAction action : kActions) names.push_back(action_key(action));
        const auto action = section.choice("do", names);
        if (action) event.action = kActions[*action];
        if (!section.has("do")) {
            section.problem("do", fmt::format("{} is missing, expected one of: {}",
                                              section.full_name("do"), fmt::join(names, ", ")));
        }
        read_target(section, event.domain);
        section.size("size", event.bytes, {0, kLargestGuest});
        section.duration("lasts", event.lasts, kScenarioSpan);
        section.text("parameter", event.parameter);
        section.text("value", event.value);
        if (action) check_fields(section, event.action);
    }

    static std::string_view action_key(ScenarioAction action) {
        return action == ScenarioAction::set_parameter ? "set" : to_string(action);
    }

    // Each action takes only the fields that mean something to it, and needs those it cannot do
    // without.
    static void check_fields(Section& section, ScenarioAction action) {
        struct Fields {
            bool size = false, lasts = false, value = false;
        } allowed;
        switch (action) {
            case ScenarioAction::loan_request:
            case ScenarioAction::used:
            case ScenarioAction::migrate_pages:
                allowed.size = true;
                break;
            case ScenarioAction::hotplug_remove:
            case ScenarioAction::hotplug_add:
            case ScenarioAction::hotplug_cancel:
                allowed.size = allowed.lasts = true;
                break;
            case ScenarioAction::pause:
            case ScenarioAction::migrate:
            case ScenarioAction::driver_gone:
            case ScenarioAction::stats_stale:
                allowed.lasts = true;
                break;
            case ScenarioAction::set_parameter:
                allowed.value = true;
                break;
            case ScenarioAction::oom:
            case ScenarioAction::resume:
            case ScenarioAction::domain_stop:
            case ScenarioAction::domain_start:
                break;
        }
        const std::string_view name = action_key(action);
        const auto refuse = [&](std::string_view key, bool is_allowed) {
            if (section.has(key) && !is_allowed) {
                section.problem(
                    key, fmt::format("{} means nothing to '{}'", section.full_name(key), name));
            }
        };
        refuse("size", allowed.size);
        refuse("lasts", allowed.lasts);
        refuse("parameter", allowed.value);
        refuse("value", allowed.value);
        const auto need = [&](std::string_view key, bool needed) {
            if (!section.has(key) && needed) {
                section.problem(
                    key, fmt::format("{} is missing, '{}' needs it", section.full_name(key), name));
            }
        };
        need("size", allowed.size && action != ScenarioAction::hotplug_cancel);
        need("parameter", allowed.value);
        need("value", allowed.value);
    }

    void read_fault(const YamlNode& node) {
        Section section(node, fmt::format("scenario.faults[{}]", scenario_.faults.size()),
                        problems_);
        ScenarioFault& fault = scenario_.faults.emplace_back();
        read_target(section, fault.domain);
        static const std::vector<std::string_view> kPseriesCalls{
            "H_GET_MPP", "H_PAGE_INIT", "H_PAGE_INIT_LOANED", "H_PAGE_INIT_ACTIVE", "guest_alloc",
            "hotplug_trylock"};
        static const std::vector<std::string_view> kPseriesAnswers{"H_BUSY",
                                                                   "H_HARDWARE",
                                                                   "H_FUNCTION",
                                                                   "H_PARAMETER", "H_RESOURCE",
                                                                   "H_LONG_BUSY_ORDER_1_MSEC",
                                                                   "H_LONG_BUSY_ORDER_10_MSEC",
                                                                   "H_LONG_BUSY_ORDER_100_MSEC",
                                                                   "H_LONG_BUSY_ORDER_1_SEC",
                                                                   "H_LONG_BUSY_ORDER_10_SEC",
                                                                   "H_LONG_BUSY_ORDER_100_SEC",
                                                                   "fail"};
        static const std::vector<std::string_view> kMockCalls{"observe", "apply"};
        static const std::vector<std::string_view> kMockAnswers{"refuse", "error", "partial",
                                                                "gone"};
        const bool pseries = backend_ == "pseries";
        read_required_choice(section, "call", pseries ? kPseriesCalls : kMockCalls, fault.call);
        read_required_choice(section, "answer", pseries ? kPseriesAnswers : kMockAnswers,
                             fault.answer);
        section.duration("from", fault.from, kScenarioSpan);
        section.duration("until", fault.until, kScenarioSpan);
        if (fault.until && *fault.until < fault.from) {
            section.problem("until",
                            fmt::format("{} is before 'from'", section.full_name("until")));
        }
        section.number("every", fault.every, {1, std::uint64_t{1} << 53U});
        section.number("skip", fault.skip);
        section.number("times", fault.times);
        section.duration("delay", fault.delay, kScenarioSpan);
    }

    static void read_required_choice(Section& section, std::string_view key,
                                     const std::vector<std::string_view>& choices,
                                     std::string& into) {
        if (const auto index = section.choice(key, choices)) into = choices[*index];
        if (!section.has(key)) {
            section.problem(key, fmt::format("{} is missing, expected one of: {}",
                                             section.full_name(key), fmt::join(choices, ", ")));
        }
    }

    const std::string& backend_;
    std::vector<ConfigProblem>& problems_;
    Scenario scenario_;
    std::vector<const YamlNode*> domain_nodes_;
    std::vector<std::string> names_;
};

}  // namespace

Scenario read_scenario(const YamlNode& node, const std::string& backend,
                       std::vector<ConfigProblem>& problems) {
    return ScenarioReader(backend, problems).read(node);
}

}  // namespace ballast
