// Columns of text for people.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ctl/terminal.h"

namespace ballast::ctl {

enum class Align { left, right };
// What gives way when the terminal is narrow: first columns that may go, from the right, then the
// text of those that may be cut.
enum class Fit { keep, cut, drop };

struct Column {
    std::string title;
    Align align = Align::left;
    Fit fit = Fit::keep;
};

struct Cell {
    std::string text;  // made printable
    Colour colour = Colour::none;
};

class Table {
  public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    // One cell per column.
    void add(std::vector<Cell> row);
    // Every line ends with a line feed and without blanks.
    std::string render(const Terminal& terminal) const;

  private:
    std::vector<std::size_t> widths(const Terminal& terminal) const;
    std::string line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                     bool colours) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace ballast::ctl
