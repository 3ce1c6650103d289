#include "vectors/compare.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "vectors/difference.h"
#include "vectors/outputs.h"

namespace ballast::vectors {
namespace {

using Json = nlohmann::json;
using Input = nlohmann::ordered_json;

template <Result<Json> (*Output)(std::string_view, const Json&)>
Result<Json> in_any_order(std::string_view kind, const Input& input) {
    return Output(kind, Json(input));
}

struct Peer {
    std::string_view name;
    Result<Json> (*output)(std::string_view kind, const Input& input);
};

constexpr std::array peers{
    Peer{"mom", in_any_order<mom_output>},
    Peer{"proxmox", in_any_order<proxmox_output>},
    Peer{"pve", in_any_order<proxmox_output>},
    Peer{"qmemman", qmemman_output},
    Peer{"qubes", qmemman_output},
    Peer{"squeezed", in_any_order<squeezed_output>},
    Peer{"cpuplugd", in_any_order<cpuplugd_output>},
};

struct Vector {
    std::string id;
    std::string kind;
    Input input;
    Json output;
};

std::string text_if_any(const Input& line, const char* name) {
    const auto found = line.find(name);
    return found != line.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

// Computations one after the other: what each was asked and answered, and what came of it all.
void split_steps(const Input& line, Vector& vector) {
    vector.input = {{"steps", line["steps"]}};
    vector.output = {{"steps", Json::array()}};
    for (const Input& step : line["steps"]) {
        Json& answer = vector.output["steps"].emplace_back(Json::object());
        if (step.is_object() && step.contains("new_balloon"))
            answer["new_balloon"] = step["new_balloon"];
    }
    for (const char* const name : {"expected", "result"})
        if (line.contains(name)) vector.output[name] = line[name];
}

bool tells_results(const Json& output) {
    const auto told = [](const Json& part) { return !part.empty(); };
    const Json& steps = output["steps"];
    return std::any_of(steps.begin(), steps.end(), told) ||
           told(output.value("expected", Json())) || told(output.value("result", Json()));
}

Result<Vector> read(std::string_view text) {
    constexpr int deepest = 32;
    bool too_deep = false;
    const auto depth = [&too_deep](int level, Input::parse_event_t, Input&) {
        too_deep = too_deep || level > deepest;
        return !too_deep;
    };
    const Input line = Input::parse(text, depth, false);
    if (too_deep || !line.is_object()) return fail(Errc::bad_data, "expected a JSON object");
    Vector vector;
    vector.id = text_if_any(line, "id");
    vector.kind = text_if_any(line, "kind");
    if (line.contains("steps") && line["steps"].is_array()) {
        split_steps(line, vector);
        if (!tells_results(vector.output))
            return fail(Errc::bad_data,
                        "expected a 'new_balloon' in its steps, 'expected' or 'result'");
        return vector;
    }
    if (!line.contains("input") || !line.contains("output") || !line["output"].is_object() ||
        line["output"].empty())
        return fail(Errc::bad_data, "expected an 'input' and an 'output' with keys");
    vector.input = line["input"];
    vector.output = line["output"];
    return vector;
}

void compare_line(const Peer& peer, std::size_t number, std::string_view text,
                  Comparison& comparison) {
    const auto malformed = [&](const Error& error) {
        comparison.malformed.push_back(
            fmt::format("{}:{}: {}", comparison.name, number, error.message()));
    };
    const auto vector = read(text);
    if (!vector) return malformed(vector.error());
    const auto got = peer.output(vector->kind, vector->input);
    if (!got) return malformed(got.error());
    ++comparison.compared;
    const auto place = first_difference(vector->output, *got);
    if (!place) return;
    ++comparison.differ;
    if (!comparison.first)
        comparison.first = {number,    vector->id,      vector->kind,
                            place->at, place->expected, place->got};
}

}  // namespace

std::vector<std::string_view> policies() {
    std::vector<std::string_view> names;
    for (const Peer& peer : peers) names.push_back(peer.name);
    return names;
}

Result<Comparison> compare(std::string_view policy, std::string_view text,
                           const std::string& name) {
    const Peer* chosen = nullptr;
    for (const Peer& peer : peers)
        if (peer.name == policy) chosen = &peer;
    if (chosen == nullptr)
        return fail(Errc::not_found,
                    fmt::format("no vectors are known for policy '{}'; expected {}", policy,
                                fmt::join(policies(), ", ")));
    Comparison comparison;
    comparison.name = name;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        compare_line(*chosen, number, line, comparison);
    }
    return comparison;
}

}  // namespace ballast::vectors
