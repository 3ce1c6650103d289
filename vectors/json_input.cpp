#include "vectors/json_input.h"

#include <fmt/format.h>

#include <cmath>

namespace ballast::vectors {
namespace {

const nlohmann::json kNothing;

}  // namespace

bool JsonInput::has(const char* name) const {
    if (!value_->is_object()) return false;
    const auto found = value_->find(name);
    return found != value_->end() && !found->is_null();
}

JsonInput JsonInput::operator[](const char* name) const {
    if (!value_->is_object()) complain("an object");
    return {has(name) ? *value_->find(name) : kNothing, fmt::format("{}.{}", place_, name),
            *problem_};
}

std::vector<JsonInput> JsonInput::items() const {
    std::vector<JsonInput> all;
    if (!value_->is_array()) complain("an array");
    for (std::size_t i = 0; value_->is_array() && i < value_->size(); ++i)
        all.push_back({(*value_)[i], fmt::format("{}[{}]", place_, i), *problem_});
    return all;
}

std::vector<std::pair<std::string, JsonInput>> JsonInput::members() const {
    std::vector<std::pair<std::string, JsonInput>> all;
    if (!value_->is_object()) {
        complain("an object");
        return all;
    }
    for (const auto& [name, member] : value_->items())
        all.push_back({name, {member, fmt::format("{}.{}", place_, name), *problem_}});
    return all;
}

std::int64_t JsonInput::whole() const {
    constexpr std::int64_t most = std::int64_t{1} << 53U;
    if (value_->is_number_float()) {
        // "5.0" is a whole number as well.
        const double number = value_->get<double>();
        if (std::abs(number) <= static_cast<double>(most) && number == std::trunc(number))
            return static_cast<std::int64_t>(number);
    }
    const bool fits = value_->is_number_integer() &&
                      (!value_->is_number_unsigned() ||
                       value_->get<std::uint64_t>() <= static_cast<std::uint64_t>(most));
    const std::int64_t read = fits ? value_->get<std::int64_t>() : 0;
    if (fits && read >= -most && read <= most) return read;
    complain("a whole number of at most 2^53");
    return 0;
}

double JsonInput::number() const {
    if (value_->is_number()) return value_->get<double>();
    complain("a number");
    return 0;
}

bool JsonInput::flag() const {
    if (value_->is_boolean()) return value_->get<bool>();
    complain("true or false");
    return false;
}

std::string JsonInput::text() const {
    if (value_->is_string()) return value_->get<std::string>();
    complain("a text");
    return {};
}

void JsonInput::complain(std::string_view expected) const {
    if (*problem_) return;
    *problem_ = Error{Errc::invalid_argument,
                      fmt::format("{} is {}, expected {}", place_,
                                  value_->is_null() ? "missing" : value_->type_name(), expected)};
}

}  // namespace ballast::vectors
