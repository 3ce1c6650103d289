#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "expression/cpuplugd_names.h"
#include "policy/peers/cpuplugd.h"
#include "vectors/json_input.h"
#include "vectors/outputs.h"

namespace ballast::vectors {
namespace {

using nlohmann::json;
using namespace cpuplugd;

struct Sample {
    double time_s = 0;
    std::map<std::string, double, std::less<>> meminfo, vmstat, cpustat;
};

void read_figures(const JsonInput& input, std::map<std::string, double, std::less<>>& into) {
    for (const auto& [name, value] : input.members()) into[name] = value.number();
}

std::vector<Sample> read_samples(const JsonInput& input) {
    std::vector<Sample> samples;
    for (const JsonInput& each : input.items()) {
        Sample& sample = samples.emplace_back();
        sample.time_s = each["time"].number();
        read_figures(each["meminfo"], sample.meminfo);
        read_figures(each["vmstat"], sample.vmstat);
        read_figures(each["cpustat"], sample.cpustat);
    }
    return samples;
}

// Samples up to one of them. Before the first one the daemon's buffers are empty: a time of 0, and
// no figures.
class Samples final : public History {
  public:
    Samples(const std::vector<Sample>& all, std::size_t current) : all_(all), current_(current) {}

    std::optional<double> figure(Op source, std::string_view name,
                                 std::uint32_t back) const override {
        const bool there = current_ < all_.size() && back <= current_;
        if (!there) return source == Op::time ? std::optional<double>(0) : std::nullopt;
        const Sample& sample = all_[current_ - back];
        if (source == Op::time) return sample.time_s;
        const auto& figures = source == Op::meminfo  ? sample.meminfo
                              : source == Op::vmstat ? sample.vmstat
                                                     : sample.cpustat;
        const auto found = figures.find(name);
        return found == figures.end() ? std::nullopt : std::optional<double>(found->second);
    }

  private:
    const std::vector<Sample>& all_;
    std::size_t current_;
};

// Infinities have no place in JSON.
json finite(double value) {
    return std::isfinite(value) ? json(value) : json();
}

template <class Value>
json unless_stopped(Stop stop, Value value) {
    if (stop == Stop::none) return value;
    return stop == Stop::trap ? "fpe" : "exit";
}

json expression(const JsonInput& input) {
    Variables variables;
    bool exit = false;
    for (const JsonInput& pair : input["variables"].items()) {
        const std::vector<JsonInput> both = pair.items();
        if (both.size() != 2) {
            pair.complain("[name, text]");
            continue;
        }
        exit = !variables.add(both[0].text(), both[1].text()) || exit;
    }
    Symbols symbols{};
    for (const auto& [name, value] : input["symbols"].members()) {
        const auto found = std::find(kSymbolNames.begin(), kSymbolNames.end(), name);
        if (found == kSymbolNames.end())
            value.complain("one of cpuplugd's symbols");
        else
            symbols[static_cast<std::size_t>(found - kSymbolNames.begin())] = value.number();
    }
    const std::vector<Sample> samples = read_samples(input["samples"]);
    const Parsed parsed = parse(input["expression"].text(), variables);
    if (exit || parsed.outcome == Parsed::Outcome::exit) return {{"config", "exit"}};
    if (!parsed.term) return {{"parse", "error"}, {"rest", parsed.rest}};
    const Samples history(samples, samples.size() - 1);
    const Number number = number_of(*parsed.term, symbols, history);
    const Truth truth = truth_of(*parsed.term, symbols, history);
    return {{"parse", "ok"},
            {"tree", to_string(*parsed.term)},
            {"history_max", std::max<std::uint32_t>(1, history_of(*parsed.term))},
            {"value", unless_stopped(number.stop, finite(number.value))},
            {"truth", unless_stopped(truth.stop, truth.holds)}};
}

json round_of(const Rules& rules, const std::vector<Sample>& samples, std::size_t current,
              std::int64_t& pages) {
    const Samples history(samples, current);
    const double interval_s = samples[current].time_s - samples[current - 1].time_s;
    const MemorySymbols symbols = memory_symbols(interval_s, history);
    const Round round = decide(rules, pages, symbols, history);
    json step{{"sample", current},
              {"before", pages},
              {"outcome", round.stop == Stop::none   ? "ok"
                          : round.stop == Stop::trap ? "fpe_skip"
                                                     : "exit"},
              {"cmm_pages", round.pages},
              {"written", round.pages != pages}};
    pages = round.pages;
    if (round.stop != Stop::none) return step;
    const Truth plug = truth_of(*rules.plug, symbols.values, history);
    const Truth unplug = truth_of(*rules.unplug, symbols.values, history);
    step.update({{"freemem", round.free_mib},
                 {"swaprate", round.swap_rate},
                 {"apcr", round.page_cache_rate},
                 {"cmm_inc", round.increment},
                 {"cmm_dec", round.decrement},
                 {"memplug", unless_stopped(plug.stop, plug.holds)},
                 {"memunplug", unless_stopped(unplug.stop, unplug.holds)}});
    return step;
}

// Variables come first, wherever they stand.
bool read_rules(const JsonInput& config, RulesReader& reader) {
    if (config.has("variables")) {
        for (const JsonInput& pair : config["variables"].items()) {
            const std::vector<JsonInput> both = pair.items();
            if (both.size() != 2)
                pair.complain("[name, text]");
            else if (!reader.line(both[0].text(), both[1].text()))
                return false;
        }
    }
    for (const auto& [name, value] : config.members()) {
        if (name == "variables" || !config.has(name.c_str())) continue;
        if (!reader.line(name, value.text())) return false;
    }
    return reader.finish();
}

json rounds(const JsonInput& input) {
    RulesReader reader;
    if (!read_rules(input["config"], reader)) return {{"config", "exit"}};
    const Rules& rules = reader.rules();
    const std::vector<Sample> samples = read_samples(input["samples"]);
    std::int64_t pages = input["cmm_pages"].whole();
    json steps = json::array();
    const char* const config = rules.usable() ? "ok" : "memory disabled";
    if (rules.usable()) {
        pages = std::min(std::max(pages, rules.least_pages), rules.most_pages);
        for (std::size_t current = rules.history; current < samples.size(); ++current) {
            steps.push_back(round_of(rules, samples, current, pages));
            if (steps.back()["outcome"] == "exit") break;
        }
    }
    return {{"config", config}, {"history_max", rules.history}, {"steps", std::move(steps)}};
}

}  // namespace

Result<json> cpuplugd_output(std::string_view kind, const json& input) {
    std::optional<Error> problem;
    const JsonInput reader(input, "input", problem);
    json output;
    if (kind.starts_with("expr_"))
        output = expression(reader);
    else if (kind == "rules" || kind.starts_with("rules_"))
        output = rounds(reader);
    else
        return fail(Errc::invalid_argument, "'" + std::string(kind) +
                                                "' is no kind of cpuplugd's, expected expr_... or "
                                                "rules...");
    if (problem) return tl::unexpected(*problem);
    return output;
}

}  // namespace ballast::vectors
