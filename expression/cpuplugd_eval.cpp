#include "expression/cpuplugd_eval.h"

#include <cmath>
#include <limits>

namespace ballast::cpuplugd {
namespace {

constexpr double kLeastNormal = std::numeric_limits<double>::min();

double raw(Op op, double a, double b) noexcept {
    switch (op) {
        case Op::plus:
            return a + b;
        case Op::minus:
            return a - b;
        case Op::times:
            return a * b;
        default:
            return a / b;
    }
}

// Whether the exact result, rounded as if exponents had no end, is below the least normal number.
bool is_tiny(Op op, double a, double b, double result) noexcept {
    // Sums of doubles are never inexact there.
    const bool additive = op == Op::plus || op == Op::minus;
    if (result == 0) return !additive && a != 0 && (op == Op::divide ? std::isfinite(b) : b != 0);
    if (std::fabs(result) != kLeastNormal) return std::fabs(result) < kLeastNormal;
    if (additive) return false;
    // Rounded up to it, perhaps: the same again, away from the limit.
    constexpr int away = 200;
    const bool scale_a = op == Op::divide || std::fabs(a) < std::fabs(b);
    const double far =
        raw(op, scale_a ? std::ldexp(a, away) : a, scale_a ? b : std::ldexp(b, away));
    return std::fabs(far) < std::ldexp(kLeastNormal, away);
}

struct Evaluation {
    const Term& term;
    const Symbols& symbols;
    const History& history;

    Number number(std::uint32_t at) const {
        const Term::Node& node = term.nodes[at];
        switch (node.op) {
            case Op::constant:
                return {node.value};
            case Op::symbol:
                return {symbols[static_cast<std::size_t>(node.symbol)]};
            case Op::meminfo:
            case Op::vmstat:
            case Op::cpustat:
            case Op::time: {
                const std::optional<double> told = history.figure(node.op, node.name, node.back);
                return told ? Number{*told} : Number{0, Stop::exit};
            }
            case Op::negate: {
                const Number inner = number(node.left);
                return {-inner.value, inner.stop};
            }
            case Op::plus:
            case Op::minus:
            case Op::times:
            case Op::divide: {
                const Number a = number(node.left);
                if (a.stop != Stop::none) return a;
                const Number b = number(node.right);
                return b.stop != Stop::none ? b : calculate(node.op, a.value, b.value);
            }
            default:
                return {0, Stop::exit};
        }
    }

    Truth truth(std::uint32_t at) const {
        const Term::Node& node = term.nodes[at];
        switch (node.op) {
            case Op::invert: {
                const Truth inner = truth(node.left);
                return {!inner.holds, inner.stop};
            }
            case Op::both:
            case Op::either: {
                const Truth left = truth(node.left);
                const bool decided = left.holds == (node.op == Op::either);
                return left.stop != Stop::none || decided ? left : truth(node.right);
            }
            case Op::greater:
            case Op::less: {
                const Number a = number(node.left);
                if (a.stop != Stop::none) return {false, a.stop};
                const Number b = number(node.right);
                return {node.op == Op::greater ? a.value > b.value : a.value < b.value, b.stop};
            }
            default: {
                const Number value = number(at);
                return {value.value != 0, value.stop};
            }
        }
    }
};

std::uint32_t root_of(const Term& term) {
    return static_cast<std::uint32_t>(term.nodes.size() - 1);
}

}  // namespace

Number number_of(const Term& term, const Symbols& symbols, const History& history) {
    return Evaluation{term, symbols, history}.number(root_of(term));
}

Truth truth_of(const Term& term, const Symbols& symbols, const History& history) {
    return Evaluation{term, symbols, history}.truth(root_of(term));
}

Number calculate(Op op, double a, double b) noexcept {
    const double result = raw(op, a, b);
    const bool from_finite = std::isfinite(a) && std::isfinite(b);
    const bool invalid = std::isnan(result) && !std::isnan(a) && !std::isnan(b);
    // Division by zero, or overflow.
    const bool endless = std::isinf(result) && from_finite;
    if (invalid || endless || (!std::isnan(result) && is_tiny(op, a, b, result)))
        return {result, Stop::trap};
    return {result};
}

Whole whole_of(double value) noexcept {
    constexpr double limit = 0x1p63;
    if (!(value >= -limit && value < limit)) return {0, Stop::trap};
    return {static_cast<std::int64_t>(value)};
}

}  // namespace ballast::cpuplugd
