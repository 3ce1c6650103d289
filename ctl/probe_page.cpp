#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "ctl/probe_view.h"

namespace ballast::ctl {
namespace {

using probe::Quality;
using probe::Row;

constexpr double chart_width = 900;
constexpr double height = 560;
constexpr double left = 70;
constexpr double right = 190;  // names
constexpr double top = 20;
constexpr double bottom = 50;

constexpr std::array curve_colours{"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e",
                                   "#17becf", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22"};

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '<')
            out += "&lt;";
        else if (c == '&')
            out += "&amp;";
        else
            out += c;
    }
    return out;
}

struct Point {
    unsigned readers;
    double ns;
};
using Curves = std::vector<std::pair<std::string, std::vector<Point>>>;

Curves curves_of(const std::vector<Row>& rows) {
    Curves curves;
    for (const Row& row : rows) {
        if (row.quality == Quality::unusable || row.read.ns.median <= 0) continue;
        if (curves.empty() || curves.back().first != row.read.type->name)
            curves.emplace_back(row.read.type->name, std::vector<Point>{});
        curves.back().second.push_back({row.read.readers, row.read.ns.median});
    }
    return curves;
}

// Cost in ns on a logarithmic axis against readers on a linear one.
class Plot {
  public:
    explicit Plot(const Curves& curves) {
        for (const auto& [name, points] : curves) {
            for (const Point& point : points) {
                least_ = std::min(least_, std::floor(std::log10(point.ns)));
                most_ = std::max(most_, std::ceil(std::log10(point.ns)));
                readers_ = std::max(readers_, point.readers);
            }
        }
        if (most_ <= least_) most_ = least_ + 1;
    }
    double x(unsigned readers) const {
        const double share = readers_ < 2 ? 0.5 : (readers - 1.0) / (readers_ - 1.0);
        return left + share * (chart_width - left - right);
    }
    double y(double ns) const {
        return top + (most_ - std::log10(ns)) / (most_ - least_) * (height - top - bottom);
    }
    std::string axes() const {
        std::string svg;
        for (double decade = least_; decade <= most_; ++decade) {
            const double at = y(std::pow(10, decade));
            svg += fmt::format(
                "<line class=grid x1='{0}' x2='{1}' y1='{2:.1f}' y2='{2:.1f}'/>"
                "<text x='{3}' y='{4:.1f}' text-anchor=end>{5:g} ns</text>\n",
                left, chart_width - right, at, left - 6, at + 4, std::pow(10, decade));
        }
        for (unsigned readers = 1; readers <= readers_; ++readers)
            svg += fmt::format("<text x='{:.1f}' y='{}' text-anchor=middle>{}</text>\n", x(readers),
                               height - bottom + 20, readers);
        return svg + fmt::format("<text x='{:.1f}' y='{}' text-anchor=middle>readers</text>\n",
                                 (left + chart_width - right) / 2, height - 8);
    }

  private:
    double least_ = 9;
    double most_ = -3;
    unsigned readers_ = 1;
};

// Names beside the curves' ends, moved apart where they would overlap.
std::string plot_svg(const Curves& curves) {
    const Plot plot(curves);
    std::string svg = fmt::format("<svg viewBox='0 0 {} {}' role=img>\n", chart_width, height);
    svg += plot.axes();
    std::multimap<double, std::pair<std::string, const char*>> names;
    std::size_t next = 0;
    for (const auto& [name, points] : curves) {
        const char* const colour = curve_colours[next++ % curve_colours.size()];
        std::string line;
        for (const Point& point : points) {
            line += fmt::format("{:.1f},{:.1f} ", plot.x(point.readers), plot.y(point.ns));
            svg += fmt::format(
                "<circle cx='{:.1f}' cy='{:.1f}' r=4 fill='{}'><title>{}, {} readers: {:.3g} "
                "ns</title></circle>\n",
                plot.x(point.readers), plot.y(point.ns), colour, escaped(name), point.readers,
                point.ns);
        }
        svg += fmt::format("<polyline points='{}' fill=none stroke='{}'/>\n", line, colour);
        names.emplace(plot.y(points.back().ns), std::pair(name, colour));
    }
    double lowest = 0;
    for (const auto& [at, name] : names) {
        lowest = std::max(at + 4, lowest + 13);
        svg += fmt::format("<text x='{}' y='{:.1f}' fill='{}'>{}</text>\n",
                           chart_width - right + 12, lowest, name.second, escaped(name.first));
    }
    return svg + "</svg>\n";
}

std::string figures_table(const std::vector<Row>& rows) {
    std::string html =
        "<table><tr><th>scale type<th>what it is<th>readers<th>median ns<th>min ns<th>spread"
        "<th>x empty<th>x refcnt<th>update ns<th>kept/tried<th>note\n";
    const auto number = [](bool shown, double value) {
        return shown ? fmt::format("{:.4g}", value) : std::string("-");
    };
    for (const Row& row : rows) {
        const bool shown = row.quality != Quality::unusable;
        html += fmt::format(
            "<tr class={}><td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}/{}<td>{}\n",
            to_string(row.quality), escaped(row.read.type->name), escaped(row.read.type->about),
            row.read.readers, number(shown, row.read.ns.median), number(shown, row.read.ns.min),
            shown ? fmt::format("{:.1f} %", row.read.spread() * 100) : "-",
            number(row.x_empty.has_value(), row.x_empty.value_or(0)),
            number(row.x_refcnt.has_value(), row.x_refcnt.value_or(0)),
            number(row.update && row.update_quality != Quality::unusable,
                   row.update ? row.update->ns.median : 0),
            row.read.kept(), row.read.tried, escaped(row.note()));
    }
    return html + "</table>\n";
}

}  // namespace

std::string probe_page(const std::vector<Row>& rows, const std::string& about) {
    return fmt::format(
        "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
        "<title>What readers pay</title>\n<style>\n"
        "body {{font: 14px sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em}}\n"
        "svg text {{font-size: 12px}} .grid {{stroke: #8884}} polyline {{stroke-width: 1.5}}\n"
        "table {{border-collapse: collapse}} td, th {{padding: 2px 8px; text-align: left}}\n"
        "tr.noisy {{color: #a60}} tr.unusable {{color: #c00}} tr:nth-child(even) {{background: "
        "#8881}}\n</style>\n<h1>What readers pay</h1>\n<p>{}\n<p>Time for taking and dropping a "
        "reference once, by scheme and number of readers at it at the same time.\n{}{}</html>\n",
        escaped(about), plot_svg(curves_of(rows)), figures_table(rows));
}

}  // namespace ballast::ctl
