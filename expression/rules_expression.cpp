#include "expression/rules_expression.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace ballast::rules {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double finite_or_unknown(double value) noexcept {
    return std::isfinite(value) ? value : kUnknown;
}

double average(const Samples& samples, std::size_t name, std::uint32_t count) noexcept {
    double sum = 0;
    for (std::uint32_t back = 0; back < count; ++back) sum += samples.figure(name, back);
    return sum / count;
}

double truth(bool holds) noexcept {
    return holds ? 1 : 0;
}

}  // namespace

double Expression::binary(Op op, double a, double b) noexcept {
    // Here a known side may decide alone.
    if (op == Op::both && (a == 0 || b == 0)) return 0;
    if (op == Op::either && (a == 1 || b == 1)) return 1;
    if (std::isnan(a) || std::isnan(b)) return kUnknown;
    switch (op) {
        case Op::plus:
            return finite_or_unknown(a + b);
        case Op::minus:
            return finite_or_unknown(a - b);
        case Op::times:
            return finite_or_unknown(a * b);
        case Op::divide:
            return b == 0 ? kUnknown : finite_or_unknown(a / b);
        case Op::less:
            return truth(a < b);
        case Op::less_or_equal:
            return truth(a <= b);
        case Op::greater:
            return truth(a > b);
        case Op::greater_or_equal:
            return truth(a >= b);
        case Op::equal:
            return truth(a == b);
        case Op::not_equal:
            return truth(a != b);
        case Op::least:
            return std::min(a, b);
        case Op::most:
            return std::max(a, b);
        case Op::both:
            return 1;
        default:
            return 0;
    }
}

double Expression::run(const Samples& samples) const noexcept {
    std::array<double, kMaxStack> stack{};
    std::size_t height = 0;
    for (const Step& step : steps_) {
        switch (step.op) {
            case Op::constant:
                stack[height++] = step.value;
                break;
            case Op::figure:
                stack[height++] = finite_or_unknown(samples.figure(step.name, step.count));
                break;
            case Op::average:
                stack[height++] = finite_or_unknown(average(samples, step.name, step.count));
                break;
            case Op::change:
                stack[height++] =
                    finite_or_unknown(samples.figure(step.name, 0) - samples.figure(step.name, 1));
                break;
            case Op::negate:
                stack[height - 1] = -stack[height - 1];
                break;
            case Op::invert:
                stack[height - 1] = 1 - stack[height - 1];
                break;
            default:
                --height;
                stack[height - 1] = binary(step.op, stack[height - 1], stack[height]);
        }
    }
    return stack[0];
}

double Expression::number(const Samples& samples) const noexcept {
    return run(samples);
}

Answer Expression::condition(const Samples& samples) const noexcept {
    const double value = run(samples);
    if (std::isnan(value)) return Answer::unknown;
    return value == 0 ? Answer::no : Answer::yes;
}

std::uint32_t Expression::back(std::size_t name) const noexcept {
    std::uint32_t most = 0;
    for (const Step& step : steps_) {
        if (step.name != name) continue;
        if (step.op == Op::figure) most = std::max(most, step.count);
        if (step.op == Op::average) most = std::max(most, step.count - 1);
        if (step.op == Op::change) most = std::max(most, 1U);
    }
    return most;
}

bool Expression::uses(std::size_t name) const noexcept {
    return std::any_of(steps_.begin(), steps_.end(), [name](const Step& step) {
        const bool of_figure =
            step.op == Op::figure || step.op == Op::average || step.op == Op::change;
        return of_figure && step.name == name;
    });
}

}  // namespace ballast::rules
