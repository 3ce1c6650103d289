#include "policy/peers/cpuplugd.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace ballast::cpuplugd {
namespace {

bool starts_as(std::string_view name, std::string_view setting) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return name.size() >= setting.size() &&
           std::equal(setting.begin(), setting.end(), name.begin(),
                      [&lower](char a, char b) { return a == lower(b); });
}

// Digits alone; none of them are 0. What is too large stays the largest.
bool count(std::string_view digits, std::int64_t& into) {
    if (!std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return false;
    into = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), into).ec ==
        std::errc::result_out_of_range)
        into = std::numeric_limits<std::int64_t>::max();
    return true;
}

// The arithmetic of longs, which wraps around in practice.
std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

// The change of in + out per second.
Number rate(std::string_view in, std::string_view out, double interval_s, const History& history) {
    double sum = 0;
    struct Part {
        std::string_view name;
        std::uint32_t back;
        Op op;
    };
    for (const Part& part : {Part{in, 0, Op::plus}, Part{out, 0, Op::plus}, Part{in, 1, Op::minus},
                             Part{out, 1, Op::minus}}) {
        const std::optional<double> told = history.figure(Op::vmstat, part.name, part.back);
        if (!told) return {0, Stop::exit};
        const Number next = calculate(part.op, sum, *told);
        if (next.stop != Stop::none) return next;
        sum = next.value;
    }
    return calculate(Op::divide, sum, interval_s);
}

struct Steps {
    Whole increment;
    Whole decrement;
};

Whole step(const Term& term, const Symbols& symbols, const History& history) {
    const Number value = number_of(term, symbols, history);
    return value.stop != Stop::none ? Whole{0, value.stop} : whole_of(value.value);
}

}  // namespace

bool Rules::usable() const noexcept {
    return least_pages >= 0 && most_pages >= least_pages && increment && plug && unplug;
}

bool RulesReader::term(std::string_view text, std::optional<Term>& into) {
    into.reset();
    if (text.empty()) return true;
    Parsed parsed = parse(text, variables_);
    if (parsed.outcome != Parsed::Outcome::read) return false;
    rules_.history = std::max(rules_.history, history_of(*parsed.term));
    into = std::move(parsed.term);
    return true;
}

bool RulesReader::line(std::string_view name, std::string_view text) {
    // Its rules and limits for processors have to be well-formed, and count for nothing here.
    std::optional<Term> other_rule;
    std::int64_t other_count = 0;
    if (starts_as(name, "hotplug") || starts_as(name, "hotunplug")) return term(text, other_rule);
    if (starts_as(name, "memplug")) return term(text, rules_.plug);
    if (starts_as(name, "memunplug")) return term(text, rules_.unplug);
    if (starts_as(name, "cmm_inc")) return term(text, rules_.increment);
    if (starts_as(name, "cmm_dec")) return term(text, rules_.decrement);
    if (starts_as(name, "update") || starts_as(name, "cpu_min"))
        return count(text, other_count) && other_count > 0;
    if (starts_as(name, "cpu_max")) return count(text, other_count);
    if (starts_as(name, "cmm_min")) return count(text, rules_.least_pages);
    if (starts_as(name, "cmm_max")) return count(text, rules_.most_pages);
    return variables_.add(name, text);
}

bool RulesReader::finish() {
    return rules_.history <= kMaxHistory;
}

MemorySymbols memory_symbols(double interval_s, const History& history) {
    MemorySymbols found;
    const auto set = [&found](Symbol symbol, const Number& number) {
        if (found.stop == Stop::none) found.stop = number.stop;
        found.values[static_cast<std::size_t>(symbol)] = number.value;
        return found.stop == Stop::none;
    };
    const std::optional<double> free_kib = history.figure(Op::meminfo, "MemFree", 0);
    if (!free_kib)
        found.stop = Stop::exit;
    else if (set(Symbol::swaprate, rate("pswpin", "pswpout", interval_s, history)) &&
             set(Symbol::apcr, rate("pgpgin", "pgpgout", interval_s, history)))
        set(Symbol::freemem, calculate(Op::divide, *free_kib, 1024));
    return found;
}

Round decide(const Rules& rules, std::int64_t pages, const MemorySymbols& symbols,
             const History& history) {
    const auto symbol = [&symbols](Symbol which) {
        return symbols.values[static_cast<std::size_t>(which)];
    };
    Round round{.stop = symbols.stop,
                .pages = pages,
                .free_mib = symbol(Symbol::freemem),
                .swap_rate = symbol(Symbol::swaprate),
                .page_cache_rate = symbol(Symbol::apcr)};
    const auto stopped = [&round](Stop stop) {
        if (round.stop == Stop::none) round.stop = stop;
        return round.stop != Stop::none;
    };
    if (stopped(Stop::none)) return round;
    const Whole increment = step(*rules.increment, symbols.values, history);
    if (stopped(increment.stop)) return round;
    const Whole decrement =
        rules.decrement ? step(*rules.decrement, symbols.values, history) : increment;
    if (stopped(decrement.stop)) return round;
    round.increment = increment.value;
    round.decrement = decrement.value;

    std::int64_t wanted = pages;
    const Truth plug = truth_of(*rules.plug, symbols.values, history);
    if (stopped(plug.stop)) return round;
    if (plug.holds) {
        wanted = wrapping_add(pages, -std::max(decrement.value, std::int64_t{0}));
    } else {
        const Truth unplug = truth_of(*rules.unplug, symbols.values, history);
        if (stopped(unplug.stop)) return round;
        if (unplug.holds) wanted = wrapping_add(pages, std::max(increment.value, std::int64_t{0}));
    }
    round.pages = std::min(std::max(wanted, rules.least_pages), rules.most_pages);
    return round;
}

}  // namespace ballast::cpuplugd
