#include "expression/cpuplugd_term.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "expression/cpuplugd_names.h"

namespace ballast::cpuplugd {
namespace {

std::string_view sign_of(Op op) {
    switch (op) {
        case Op::greater:
            return ">";
        case Op::less:
            return "<";
        case Op::plus:
            return "+";
        case Op::minus:
            return "-";
        case Op::times:
            return "*";
        case Op::divide:
            return "/";
        case Op::both:
            return "&";
        default:
            return "|";
    }
}

void print(const Term& term, std::uint32_t at, std::string& into) {
    const Term::Node& node = term.nodes[at];
    const auto out = std::back_inserter(into);
    switch (node.op) {
        case Op::constant:
            fmt::format_to(out, "{:f}", node.value);
            return;
        case Op::symbol:
            into += kSymbolNames[static_cast<std::size_t>(node.symbol)];
            return;
        case Op::meminfo:
            fmt::format_to(out, "{}{}[{}]", kMeminfo, node.name, node.back);
            return;
        case Op::vmstat:
            fmt::format_to(out, "{}{}[{}]", kVmstat, node.name, node.back);
            return;
        case Op::cpustat:
            fmt::format_to(out, "{}{}[{}]", kCpustat, node.name, node.back);
            return;
        case Op::time:
            fmt::format_to(out, "{}[{}]", kTime, node.back);
            return;
        case Op::negate:
        case Op::invert:
            into += node.op == Op::negate ? "-(" : "!(";
            print(term, node.left, into);
            break;
        default:
            into += '(';
            print(term, node.left, into);
            fmt::format_to(out, ") {} (", sign_of(node.op));
            print(term, node.right, into);
    }
    into += ')';
}

}  // namespace

std::uint32_t history_of(const Term& term) noexcept {
    std::uint32_t most = 0;
    for (const Term::Node& node : term.nodes) most = std::max(most, node.back);
    return most;
}

std::string to_string(const Term& term) {
    std::string text;
    print(term, static_cast<std::uint32_t>(term.nodes.size() - 1), text);
    return text;
}

}  // namespace ballast::cpuplugd
