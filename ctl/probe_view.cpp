#include "ctl/probe_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ctl/table.h"
#include "ctl/text.h"

namespace ballast::ctl {
namespace {

using probe::Finding;
using probe::Quality;
using probe::Row;

// Three digits, and a unit that fits.
std::string span(double ns) {
    if (ns < 9.995) return fmt::format("{:.2f} ns", ns);
    if (ns < 999.5) return fmt::format("{:.3g} ns", ns);
    if (ns < 999'500) return fmt::format("{:.3g} us", ns / 1e3);
    return fmt::format("{:.3g} ms", ns / 1e6);
}

std::string times(const std::optional<double>& ratio) {
    if (!ratio) return "-";
    return *ratio < 9.95 ? fmt::format("{:.2f}", *ratio) : fmt::format("{:.3g}", *ratio);
}

Colour colour_of(Quality quality) {
    return quality == Quality::steady  ? Colour::none
           : quality == Quality::noisy ? Colour::yellow
                                       : Colour::red;
}

bool is_shown(const Row& row) {
    return row.quality != Quality::unusable && row.read.ns.median > 0;
}

// Eighths of a column, so that short bars differ too.
std::string bar(double columns) {
    static constexpr const char* eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const auto parts = static_cast<std::size_t>(std::max(1.0, std::round(columns * 8)));
    std::string text;
    for (std::size_t i = 0; i < parts / 8; ++i) text += "█";
    return text + eighths[parts % 8];
}

}  // namespace

std::string probe_table(const std::vector<Row>& rows, const Terminal& terminal) {
    Table table({{"scale type"},
                 {"readers", Align::right},
                 {"median", Align::right},
                 {"min", Align::right, Fit::drop},
                 {"spread", Align::right},
                 {"x empty", Align::right},
                 {"x refcnt", Align::right},
                 {"update", Align::right},
                 {"kept/tried", Align::right, Fit::drop},
                 {"note", Align::left, Fit::cut}});
    for (const Row& row : rows) {
        const bool shown = is_shown(row);
        const Colour colour = colour_of(row.quality);
        const bool updates = row.update && row.update_quality != Quality::unusable;
        table.add({{std::string(row.read.type->name)},
                   {std::to_string(row.read.readers)},
                   {shown ? span(row.read.ns.median) : "-", colour},
                   {shown ? span(row.read.ns.min) : "-"},
                   {shown ? fmt::format("{:.1f} %", row.read.spread() * 100) : "-", colour},
                   {times(row.x_empty)},
                   {times(row.x_refcnt)},
                   {updates ? span(row.update->ns.median) : "-",
                    row.update ? colour_of(row.update_quality) : Colour::none},
                   {fmt::format("{}/{}", row.read.kept(), row.read.tried)},
                   {row.note(), colour}});
    }
    return table.render(terminal);
}

std::string probe_chart(const std::vector<Row>& rows, const Terminal& terminal, bool unfinished) {
    double least = 0;
    double most = 0;
    std::size_t name_width = 0;
    for (const Row& row : rows) {
        name_width = std::max(name_width, row.read.type->name.size());
        if (!is_shown(row)) continue;
        least = least == 0 ? row.read.ns.median : std::min(least, row.read.ns.median);
        most = std::max(most, row.read.ns.median);
    }
    const std::size_t width = terminal.width == 0 ? 80 : terminal.width;
    const std::size_t beside = name_width + 4 + 12;  // readers, figure
    const double columns = width > beside + 10 ? static_cast<double>(width - beside) : 10.0;
    const double decades = most > least ? std::log(most / least) : 1.0;
    std::string text;
    std::string_view last;
    for (const Row& row : rows) {
        const std::string_view name = row.read.type->name;
        text +=
            fmt::format("{:<{}} {:>2} ", name == last ? "" : name, name_width, row.read.readers);
        last = name;
        if (!is_shown(row)) {
            const bool waits = unfinished && row.read.unsupported.empty();
            const std::string note = shorten(waits ? "..." : row.note(), width - name_width - 5);
            text +=
                paint(note, waits ? Colour::dim : colour_of(row.quality), terminal.colour) + "\n";
            continue;
        }
        // The cheapest has a bar, too.
        const double share = (std::log(row.read.ns.median / least) / decades * 0.97) + 0.03;
        text += paint(bar(share * columns), colour_of(row.quality), terminal.colour) + " " +
                span(row.read.ns.median) + "\n";
    }
    return text;
}

}  // namespace ballast::ctl
