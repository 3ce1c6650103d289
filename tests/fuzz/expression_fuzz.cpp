// Feeds the parsers of rules texts of any bytes, and evaluates what they accept. The first byte
// says which one; what cpuplugd's reads up to a line feed defines a variable.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "expression/cpuplugd_eval.h"
#include "expression/cpuplugd_parse.h"
#include "expression/rules_expression.h"

namespace {

using namespace ballast;

class Guest final : public cpuplugd::History, public rules::Samples {
  public:
    std::optional<double> figure(cpuplugd::Op, std::string_view name,
                                 std::uint32_t back) const override {
        if (name.size() > 8) return std::nullopt;
        return static_cast<double>(name.size()) - back;
    }
    double figure(std::size_t name, std::uint32_t back) const override {
        return name == 2 ? std::nan("") : 1e300 * static_cast<double>(name) - back;
    }
};

void must(bool holds) {
    if (!holds) std::abort();
}

void try_cpuplugd(const std::string& text) {
    cpuplugd::Variables variables;
    const std::size_t line = text.find('\n');
    const bool defines = line != std::string::npos;
    if (defines && !variables.add("v", text.substr(0, line))) return;
    const std::string all = defines ? text.substr(line + 1) : text;
    const cpuplugd::Parsed parsed = cpuplugd::parse(all, variables);
    must(parsed.rest <= all.size());
    must(parsed.term.has_value() == (parsed.outcome == cpuplugd::Parsed::Outcome::read));
    must(parsed.term || parsed.column > 0);
    if (!parsed.term) return;
    (void)cpuplugd::to_string(*parsed.term);
    const cpuplugd::Number number = cpuplugd::number_of(*parsed.term, {}, Guest());
    // A trap comes before any value that is no number.
    must(number.stop != cpuplugd::Stop::none || !std::isnan(number.value));
    (void)cpuplugd::truth_of(*parsed.term, {}, Guest());
}

void try_rules(const std::string& text) {
    constexpr std::string_view names[] = {"a", "host.b", "c"};
    for (const rules::Kind kind : {rules::Kind::number, rules::Kind::condition}) {
        const Result<rules::Expression> read = rules::parse(text, kind, names);
        if (!read) {
            must(read.error().context.starts_with("column "));
        } else if (kind == rules::Kind::number) {
            must(!std::isinf(read->number(Guest())));
        } else {
            (void)read->condition(Guest());
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] % 2 == 0)
        try_cpuplugd(text);
    else
        try_rules(text);
    return 0;
}
