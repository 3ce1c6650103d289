#include "ctl/compare_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "base/trim.h"
#include "base/units.h"
#include "compare/constants.h"
#include "ctl/policy_name.h"
#include "policy/policy.h"

namespace ballast::ctl {
namespace {

using compare::Contestant;

constexpr std::size_t kMostNumbers = 1000;

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t end = text.find(separator);
        parts.push_back(trim(text.substr(0, end)));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

std::optional<double> number(std::string_view text) {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

// One "POLICY.NUMBER=VALUE".
Result<void> change(std::vector<Contestant>& contestants, std::string_view text) {
    const std::size_t dot = text.find('.');
    const std::size_t equals = text.find('=');
    const auto wrong = [text](const std::string& expected) {
        return fail(Errc::invalid_argument, fmt::format("'{}', expected {}", text, expected));
    };
    if (dot == std::string_view::npos || equals == std::string_view::npos || equals < dot)
        return wrong("POLICY.NUMBER=VALUE");
    const std::string_view name = text.substr(0, dot);
    const std::string_view key = text.substr(dot + 1, equals - dot - 1);
    const PolicyEntry* const entry = find_policy(name);
    const auto contestant =
        std::find_if(contestants.begin(), contestants.end(),
                     [name](const Contestant& one) { return one.policy && one.name == name; });
    if (entry == nullptr || contestant == contestants.end())
        return wrong("a policy that is compared");
    for (std::size_t i = 0; i < entry->parameters.size(); ++i) {
        const PolicyParameter& parameter = entry->parameters[i];
        if (parameter.name != key) continue;
        const auto value = number(text.substr(equals + 1));
        if (!value || !(*value >= parameter.least && *value <= parameter.most))
            return wrong(fmt::format("a number from {} to {}", parameter.least, parameter.most));
        contestant->policy->numbers[i] = *value;
        return {};
    }
    std::string keys;
    for (const PolicyParameter& parameter : entry->parameters)
        keys += (keys.empty() ? "" : ", ") + std::string(parameter.name);
    return wrong(keys.empty() ? fmt::format("no number: {} takes none", name) : "one of " + keys);
}

bool has(const std::vector<Contestant>& contestants, std::string_view name) {
    return std::any_of(contestants.begin(), contestants.end(),
                       [name](const Contestant& one) { return one.name == name; });
}

bool has_something_to_go_by(PolicyKind kind, const Workload& workload) {
    if (kind != PolicyKind::cmm && kind != PolicyKind::fixed) return true;
    return std::any_of(workload.vms.begin(), workload.vms.end(), [kind](const WorkloadVm& vm) {
        return kind == PolicyKind::cmm ? vm.loan_series != kNoSeries : vm.fixed_loan_bytes > 0;
    });
}

void add(std::vector<Contestant>& contestants, const PolicyEntry& entry) {
    if (!has(contestants, entry.name))
        contestants.push_back({std::string(entry.name), default_choice(entry.kind)});
}

}  // namespace

Result<std::vector<double>> parse_numbers(std::string_view text, double least, double most) {
    std::vector<double> numbers;
    const auto wrong = [&](std::string_view part) {
        return fail(Errc::invalid_argument,
                    fmt::format("'{}', expected numbers from {} to {} such as 1.5,2 or 1:4:0.25",
                                part, least, most));
    };
    for (const std::string_view part : split(text, ',')) {
        const auto range = split(part, ':');
        if (range.size() != 1 && range.size() != 3) return wrong(part);
        const auto from = number(range.front());
        const auto to = range.size() == 3 ? number(range[1]) : from;
        const auto step = range.size() == 3 ? number(range[2]) : 1.0;
        if (!from || !to || !step) return wrong(part);
        if (!(*from >= least && *to >= *from && *to <= most && *step > 0)) return wrong(part);
        // Not added up, so that 1:4:0.1 has a 3 in it; a little more than the end still is the end.
        for (std::size_t i = 0; numbers.size() <= kMostNumbers; ++i) {
            const double value = *from + static_cast<double>(i) * *step;
            if (value > *to + *step * 1e-6) break;
            numbers.push_back(std::min(value, *to));
        }
        if (numbers.size() > kMostNumbers)
            return fail(Errc::invalid_argument,
                        fmt::format("'{}', expected at most {} numbers", text, kMostNumbers));
    }
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

Result<std::vector<Contestant>> contestants_of(const std::string& names,
                                               const std::vector<std::string>& changes,
                                               const Workload& workload) {
    std::vector<Contestant> contestants;
    add(contestants, entry_of(PolicyKind::still));
    if (names.empty()) {
        for (const PolicyEntry& entry : policy_catalogue()) {
            if (!has_something_to_go_by(entry.kind, workload)) continue;
            if (make_policy(default_choice(entry.kind))) add(contestants, entry);
        }
    } else {
        for (const std::string_view name : split(names, ',')) {
            if (name == compare::kClairvoyant) continue;
            const auto entry = policy_named(name, compare::kClairvoyant);
            if (!entry) return Failure(entry.error());
            add(contestants, **entry);
        }
    }
    for (const std::string& one : changes)
        if (auto changed = change(contestants, one); !changed) return Failure(changed.error());
    contestants.push_back({compare::kClairvoyant, {}});
    return contestants;
}

Result<std::vector<Contestant>> contestants_named(const std::string& names,
                                                  const std::vector<std::string>& changes,
                                                  const Workload& workload) {
    if (names.empty())
        return fail(Errc::invalid_argument, "no policy is named, expected at least one");
    auto contestants = contestants_of(names, changes, workload);
    if (!contestants) return contestants;
    const auto named = split(names, ',');
    std::erase_if(*contestants, [&named](const Contestant& one) {
        return std::find(named.begin(), named.end(), one.name) == named.end();
    });
    return contestants;
}

RunOptions::RunOptions() : jobs(std::max(1U, std::thread::hardware_concurrency())) {}

void add_run_options(CLI::App& command, RunOptions& options, const std::string& samples,
                     const std::string& ticks) {
    command
        .add_option_function<std::string>(
            "--tick",
            [&options](const std::string& text) {
                constexpr auto kLeast = std::chrono::milliseconds(100);
                constexpr auto kMost = std::chrono::hours(1);
                const auto tick = parse_duration(text);
                if (!tick) throw CLI::ValidationError("--tick", tick.error().message());
                if (*tick < kLeast || *tick > kMost)
                    throw CLI::ValidationError("--tick", "expected 100ms to 1h");
                options.constants.tick_s = std::chrono::duration<double>(*tick).count();
                options.tick_given = true;
            },
            "time between two decisions (" + ticks + ")")
        ->type_name("TIME");
    command
        .add_option("--set", options.changes,
                    "a policy's number in place of its default: POLICY.NUMBER=VALUE")
        ->type_name("")
        ->allow_extra_args(false);
    command
        .add_option_function<std::vector<std::string>>(
            "--model",
            [&options](const std::vector<std::string>& texts) {
                for (const std::string& text : texts) {
                    const auto set = compare::set_constant(options.constants, text);
                    if (!set) throw CLI::ValidationError("--model", set.error().message());
                }
            },
            "a constant of the simulator: NAME=VALUE")
        ->type_name("")
        ->allow_extra_args(false);
    command.add_option("--jobs", options.jobs, "runs at a time (as many as there are CPUs)")
        ->check(CLI::Range(1, 256))
        ->type_name("N");
    command.add_option("--samples", options.constants.samples, samples)
        ->check(CLI::Range(0, 100000))
        ->type_name("N");
    command.add_option("--report", options.report, "write a page with charts, for a browser")
        ->type_name("FILE.html");
}

std::string constants_text() {
    std::string text = "Constants for --model, with their defaults:\n";
    const compare::Constants defaults;
    for (const compare::ConstantEntry& entry : compare::constant_catalogue())
        text += fmt::format("  {:<30} {}\n",
                            fmt::format("{}={:g}", entry.name, entry.get(defaults)), entry.meaning);
    return text;
}

}  // namespace ballast::ctl
