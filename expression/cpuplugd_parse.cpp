#include "expression/cpuplugd_parse.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "expression/cpuplugd_names.h"

namespace ballast::cpuplugd {
namespace {

constexpr std::size_t kMaxNodes = 4096;
constexpr std::size_t kMaxDepth = 512;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// How strongly an operator binds; `none` is below each.
enum class Level : std::uint8_t { none, either, both, compare, add, multiply };

struct Operator {
    char sign;
    Op op;
    Level level;
};
constexpr std::array<Operator, 8> kOperators{{{'>', Op::greater, Level::compare},
                                              {'<', Op::less, Level::compare},
                                              {'+', Op::plus, Level::add},
                                              {'-', Op::minus, Level::add},
                                              {'*', Op::times, Level::multiply},
                                              {'/', Op::divide, Level::multiply},
                                              {'|', Op::either, Level::either},
                                              {'&', Op::both, Level::both}}};

// Reads one text; for each variable in it there is another one, which adds to the same term.
class Parser {
  public:
    Parser(std::string text, std::string name, const Variables& variables, Term& term,
           std::size_t depth, Parsed& parsed)
        : text_(std::move(text)),
          name_(std::move(name)),
          variables_(variables),
          term_(term),
          depth_(depth),
          parsed_(parsed) {}

    // The index of the node, or nothing where the text is none.
    std::optional<std::uint32_t> expression(Level above) {
        if (depth_ == kMaxDepth) return end();
        ++depth_;
        std::optional<std::uint32_t> left = operand(above);
        while (left) {
            const auto* const found =
                std::find_if(kOperators.begin(), kOperators.end(),
                             [this](const Operator& each) { return each.sign == here(); });
            if (found == kOperators.end() || above >= found->level) break;
            ++at_;
            const std::optional<std::uint32_t> right = expression(found->level);
            if (!right) return std::nullopt;
            left = add({.op = found->op, .left = *left, .right = *right});
        }
        --depth_;
        return left;
    }

    bool finished() const { return at_ == text_.size(); }
    std::size_t rest() const { return text_.size() - at_; }
    // cpuplugd ends, and this is the place for people.
    std::optional<std::uint32_t> end() {
        if (parsed_.outcome != Parsed::Outcome::exit) place();
        parsed_.outcome = Parsed::Outcome::exit;
        return std::nullopt;
    }
    std::optional<std::uint32_t> no_term() {
        if (parsed_.column == 0) place();
        return std::nullopt;
    }

  private:
    char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    std::string_view ahead() const { return std::string_view(text_).substr(at_); }
    void place() {
        parsed_.column = at_ + 1;
        parsed_.variable = name_;
    }

    std::optional<std::uint32_t> add(Term::Node node) {
        if (term_.nodes.size() == kMaxNodes) return end();
        term_.nodes.push_back(std::move(node));
        return static_cast<std::uint32_t>(term_.nodes.size() - 1);
    }

    // Nothing is read where scanf finds no number ("0x"): the value is 0, and the text goes on.
    double number() {
        double value = 0;
        int length = 0;
        // NOLINTNEXTLINE(cert-err34-c): what scanf makes of a text is what counts.
        (void)std::sscanf(text_.c_str() + at_, "%lf%n", &value, &length);
        at_ += static_cast<std::size_t>(length);
        return value;
    }

    std::optional<std::uint32_t> operand(Level above) {
        const char first = here();
        if (is_digit(first)) return add({.op = Op::constant, .value = number()});
        if (first == '-' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])) {
            ++at_;
            return add({.op = Op::constant, .value = -number()});
        }
        if (first == '-' || first == '!') {
            ++at_;
            const std::optional<std::uint32_t> all = expression(above);
            if (!all) return std::nullopt;
            return add({.op = first == '-' ? Op::negate : Op::invert, .left = *all});
        }
        if (first == '(') {
            ++at_;
            const std::optional<std::uint32_t> inner = expression(Level::none);
            if (!inner) return std::nullopt;
            if (here() != ')') return no_term();
            ++at_;
            return inner;
        }
        return named();
    }

    std::optional<std::uint32_t> named() {
        const std::string_view text = ahead();
        const std::size_t length = static_cast<std::size_t>(
            std::find_if_not(text.begin(), text.end(),
                             [](char c) { return is_digit(c) || is_letter(c) || c == '_'; }) -
            text.begin());
        if (length > kMaxVariableName) return end();
        const std::string name(text.substr(0, length));
        if (const std::string* const meaning = variables_.find(name))
            return variable(name, *meaning);
        for (std::size_t i = 0; i < kSymbols; ++i) {
            if (!text.starts_with(kSymbolNames[i])) continue;
            at_ += kSymbolNames[i].size();
            return add({.op = Op::symbol, .symbol = static_cast<Symbol>(i)});
        }
        if (text.starts_with(kMeminfo)) return figure(Op::meminfo, kMeminfo);
        if (text.starts_with(kVmstat)) return figure(Op::vmstat, kVmstat);
        if (text.starts_with(kCpustat)) return figure(Op::cpustat, kCpustat);
        if (text.starts_with(kTime)) return figure(Op::time, kTime);
        return no_term();
    }

    std::optional<std::uint32_t> variable(const std::string& name, const std::string& meaning) {
        Parser inner(meaning, name, variables_, term_, depth_, parsed_);
        const std::optional<std::uint32_t> node = inner.expression(Level::none);
        // An empty one is no term, and not the daemon's end.
        if (!node && meaning.empty()) return no_term();
        if (!node || !inner.finished()) return inner.end();
        at_ += name.size();
        return node;
    }

    std::optional<std::uint32_t> figure(Op op, std::string_view prefix) {
        at_ += prefix.size();
        Term::Node node{.op = op};
        while (op != Op::time && (is_letter(here()) || here() == '_')) node.name += text_[at_++];
        if (here() == '[') {
            ++at_;
            if (!is_digit(here())) return no_term();
            const char* const digits = text_.c_str() + at_;
            char* behind = nullptr;
            // Kept in 32 bits, like there.
            node.back = static_cast<std::uint32_t>(std::strtol(digits, &behind, 10));
            at_ += static_cast<std::size_t>(behind - digits);
            if (here() != ']') return no_term();
            ++at_;
        }
        return add(std::move(node));
    }

    std::string text_;
    std::string name_;
    const Variables& variables_;
    Term& term_;
    std::size_t depth_;
    std::size_t at_ = 0;
    Parsed& parsed_;
};

}  // namespace

bool Variables::add(std::string_view name, std::string_view text) {
    const bool own =
        std::find(kSymbolNames.begin(), kSymbolNames.end(), name) != kSymbolNames.end() ||
        name == kMeminfo || name == kVmstat || name == kCpustat || name == kTime;
    if (own || name.size() > kMaxVariableName || find(name) != nullptr) return false;
    all_.emplace_back(name, text);
    return true;
}

const std::string* Variables::find(std::string_view name) const noexcept {
    const auto found = std::find_if(all_.begin(), all_.end(),
                                    [name](const auto& each) { return each.first == name; });
    return found == all_.end() ? nullptr : &found->second;
}

Parsed parse(std::string_view text, const Variables& variables) {
    Parsed parsed;
    Term term;
    Parser parser(std::string(text), {}, variables, term, 0, parsed);
    const std::optional<std::uint32_t> node = parser.expression(Level::none);
    parsed.rest = node ? parser.rest() : text.size();
    if (!node || parsed.outcome == Parsed::Outcome::exit) return parsed;
    if (!parser.finished()) {
        (void)parser.no_term();
        return parsed;
    }
    parsed.outcome = Parsed::Outcome::read;
    parsed.term = std::move(term);
    return parsed;
}

}  // namespace ballast::cpuplugd
