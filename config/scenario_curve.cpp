#include <fmt/format.h>

#include <cerrno>

#include "config/scenario_parts.h"
#include "config/text.h"

namespace ballast {
namespace {

bool read_bytes(const YamlNode& node, const std::string& name, std::uint64_t most_bytes,
                std::uint64_t& into, std::vector<ConfigProblem>& problems) {
    const bool scalar = node.kind == YamlNode::Kind::scalar;
    const auto bytes = parse_size(scalar ? node.text : "");
    if (!bytes && bytes.error().sys_errno != ERANGE) {
        add_problem(problems, node,
                    fmt::format("{} is {}, expected a size such as 256MiB, 1G, 4096KiB or bytes",
                                name, found(node)));
        return false;
    }
    if (!bytes || *bytes > most_bytes) {
        add_problem(problems, node,
                    fmt::format("{} is {}, expected at most {}", name, found(node),
                                format_size(most_bytes)));
        return false;
    }
    into = *bytes;
    return true;
}

bool read_time(const YamlNode& node, const std::string& name, const Curve& before, Duration& into,
               std::vector<ConfigProblem>& problems) {
    const bool scalar = node.kind == YamlNode::Kind::scalar;
    const auto at = parse_duration(scalar ? node.text : "");
    if (!at) {
        add_problem(problems, node,
                    fmt::format("{} is {}, expected a time such as 10m", name, found(node)));
        return false;
    }
    if (!before.points.empty() && *at <= before.points.back().at) {
        add_problem(problems, node,
                    fmt::format("{} is {}, expected a time after the point before it, {}", name,
                                found(node), format_duration(before.points.back().at)));
        return false;
    }
    into = *at;
    return true;
}

void read_points(const YamlNode& list, const std::string& name, std::uint64_t most_bytes,
                 Curve& curve, std::vector<ConfigProblem>& problems) {
    for (const YamlNode& item : list.items) {
        if (item.kind != YamlNode::Kind::sequence || item.items.size() != 2) {
            add_problem(problems, item,
                        fmt::format("{}.points has {}, expected a point as [TIME, SIZE]", name,
                                    found(item)));
            continue;
        }
        Curve::Point point;
        const bool has_time = read_time(item.items[0], name + ".points", curve, point.at, problems);
        const bool has_bytes =
            read_bytes(item.items[1], name + ".points", most_bytes, point.bytes, problems);
        if (has_time && has_bytes) curve.points.push_back(point);
    }
}

}  // namespace

Curve read_curve(const YamlNode& node, const std::string& name, std::uint64_t most_bytes,
                 std::vector<ConfigProblem>& problems) {
    Curve curve;
    if (node.kind != YamlNode::Kind::map) {
        if (node.kind == YamlNode::Kind::scalar) {
            Curve::Point point;
            if (read_bytes(node, name, most_bytes, point.bytes, problems))
                curve.points.push_back(point);
        } else {
            add_problem(
                problems, node,
                fmt::format("{} is {}, expected a size or a map with 'points'", name, found(node)));
        }
        return curve;
    }
    Section section(node, name, problems);
    section.require("points", "[[TIME, SIZE], ...]");
    if (const YamlNode* const points = section.list("points")) {
        read_points(*points, name, most_bytes, curve, problems);
        if (points->items.empty()) {
            section.problem("points",
                            fmt::format("{}.points is empty, expected [[TIME, SIZE], ...]", name));
        }
    }
    section.duration("repeat", curve.period, {std::chrono::milliseconds(10), kLongestScenario});
    if (curve.period && !curve.points.empty() && curve.points.back().at > *curve.period) {
        section.problem(
            "repeat",
            fmt::format("{}.repeat is {}, expected no less than the last point's {}", name,
                        format_duration(*curve.period), format_duration(curve.points.back().at)));
    }
    section.number("jitter_percent", curve.jitter_percent, {0, 100});
    return curve;
}

}  // namespace ballast
