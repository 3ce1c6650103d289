// What a survey found, each figure beside the others. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "probe/survey.h"

namespace ballast::probe {

// One scheme with one number of readers.
struct Row {
    Finding read;
    Quality quality = Quality::unusable;
    std::optional<double> x_empty;   // times what `empty` takes with as many readers
    std::optional<double> x_refcnt;  // times what `refcnt` takes with as many
    std::optional<Finding> update;   // the scheme's; nullopt: it has none
    Quality update_quality = Quality::unusable;

    // Why there is no number, or why it is not steady; empty: it is.
    std::string note() const;
};

// Joins each scheme's update to its rows. `wanted`: clean experiments asked for of each.
std::vector<Row> rows_of(const std::vector<Finding>& findings, std::uint32_t wanted);

// A list, one object a row: `scale_type readers min_ns median_ns iqr_ns kept tried valid`, and
// more. What means nothing is null; `valid` is for steady figures alone. Where the survey kept
// them, `experiments` has of each clean one the readers' totals and the average.
nlohmann::ordered_json json_of(const std::vector<Row>& rows);

}  // namespace ballast::probe
