#include "ctl/table.h"

#include <algorithm>

#include "ctl/text.h"

namespace ballast::ctl {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeastCut = 8;

// Of the columns shown; those with width 0 are not.
std::size_t line_width(const std::vector<std::size_t>& widths) {
    std::size_t sum = 0;
    for (const std::size_t width : widths)
        if (width > 0) sum += width + kGap;
    return sum > 0 ? sum - kGap : 0;
}

}  // namespace

void Table::add(std::vector<Cell> row) {
    for (Cell& cell : row) cell.text = printable(cell.text);
    rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths(const Terminal& terminal) const {
    std::vector<std::size_t> widths;
    for (const Column& column : columns_) widths.push_back(display_width(column.title));
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], display_width(row[i].text));
    if (terminal.width == 0) return widths;
    for (std::size_t i = columns_.size(); i-- > 0 && line_width(widths) > terminal.width;)
        if (columns_[i].fit == Fit::drop) widths[i] = 0;
    for (std::size_t i = columns_.size(); i-- > 0;) {
        const std::size_t now = line_width(widths);
        if (columns_[i].fit != Fit::cut || now <= terminal.width || widths[i] <= kLeastCut)
            continue;
        widths[i] = std::max(kLeastCut, widths[i] - std::min(widths[i], now - terminal.width));
    }
    return widths;
}

std::string Table::line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                        bool colours) const {
    std::string out;
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (widths[i] == 0) continue;
        const std::string text = shorten(row[i].text, widths[i]);
        const std::string padding(widths[i] - std::min(widths[i], display_width(text)), ' ');
        if (columns_[i].align == Align::right) out += padding;
        out += paint(text, row[i].colour, colours);
        if (columns_[i].align == Align::left) out += padding;
        out.append(kGap, ' ');
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out + "\n";
}

std::string Table::render(const Terminal& terminal) const {
    const std::vector<std::size_t> shown = widths(terminal);
    std::vector<Cell> header;
    for (const Column& column : columns_) header.push_back({column.title, Colour::bold});
    std::string out = line(header, shown, terminal.colour);
    for (const auto& row : rows_) out += line(row, shown, terminal.colour);
    return out;
}

}  // namespace ballast::ctl
