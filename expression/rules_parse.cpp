#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "expression/rules_expression.h"
#include "expression/rules_token.h"

namespace ballast::rules {

// Reads a text by precedence, and writes steps for a stack as it goes. The first problem is kept,
// and ends the text.
class Builder {
  public:
    Builder(std::string_view text, std::span<const std::string_view> names)
        : text_(text), names_(names) {}

    Result<Expression> whole(Kind wanted) {
        advance();
        const Kind kind = expression(0);
        if (token_.kind != Token::Kind::end)
            complain(token_.column,
                     fmt::format("expected an operator or the end, found '{}'", token_.text));
        require(wanted, kind, 1);
        if (problem_) return tl::unexpected(*problem_);
        return std::move(made_);
    }

  private:
    using Op = Expression::Op;
    struct Operator {
        std::string_view sign;
        Op op;
        int level;  // how strongly it binds
        Kind of;
        Kind gives;
    };
    static constexpr std::array<Operator, 12> kOperators{
        {{"||", Op::either, 1, Kind::condition, Kind::condition},
         {"&&", Op::both, 2, Kind::condition, Kind::condition},
         {"<", Op::less, 3, Kind::number, Kind::condition},
         {"<=", Op::less_or_equal, 3, Kind::number, Kind::condition},
         {">", Op::greater, 3, Kind::number, Kind::condition},
         {">=", Op::greater_or_equal, 3, Kind::number, Kind::condition},
         {"==", Op::equal, 3, Kind::number, Kind::condition},
         {"!=", Op::not_equal, 3, Kind::number, Kind::condition},
         {"+", Op::plus, 4, Kind::number, Kind::number},
         {"-", Op::minus, 4, Kind::number, Kind::number},
         {"*", Op::times, 5, Kind::number, Kind::number},
         {"/", Op::divide, 5, Kind::number, Kind::number}}};
    static constexpr int kStrongest = 6;
    static constexpr std::size_t kMaxDepth = 64;

    void complain(std::size_t column, std::string_view message) {
        if (!problem_) problem_ = fail_at(column, message).value();
        at_ = text_.size();
        token_ = {};
    }
    void advance() {
        const Result<Token> next = next_token(text_, at_);
        if (next) {
            token_ = *next;
            return;
        }
        if (!problem_) problem_ = next.error();
        at_ = text_.size();
        token_ = {};
    }
    void expect(std::string_view sign) {
        if (token_.is(sign))
            advance();
        else
            complain(token_.column, fmt::format("expected '{}'", sign));
    }
    void require(Kind wanted, Kind found, std::size_t column) {
        const auto described = [](Kind kind) {
            return kind == Kind::number ? "a number" : "a condition";
        };
        if (wanted != found)
            complain(column,
                     fmt::format("expected {}, this is {}", described(wanted), described(found)));
    }

    // `grows`: what the step leaves on the stack, less what it takes.
    void add(const Expression::Step& step, int grows) {
        height_ += grows;
        if (height_ > static_cast<int>(Expression::kMaxStack))
            complain(token_.column, "too many levels");
        made_.steps_.push_back(step);
    }

    Kind expression(int above) {
        if (depth_ == kMaxDepth) {
            complain(token_.column, "too many levels");
            return Kind::number;
        }
        ++depth_;
        const std::size_t begins = token_.column;
        Kind kind = operand();
        for (;;) {
            const auto* const found =
                std::find_if(kOperators.begin(), kOperators.end(),
                             [this](const Operator& each) { return token_.is(each.sign); });
            if (found == kOperators.end() || found->level <= above) break;
            require(found->of, kind, begins);
            advance();
            const std::size_t column = token_.column;
            const Kind right = expression(found->level);
            require(found->of, right, column);
            add({.op = found->op}, -1);
            kind = found->gives;
        }
        --depth_;
        return kind;
    }

    Kind operand() {
        const Token first = token_;
        if (first.kind == Token::Kind::name) {
            advance();
            if (token_.is("("))
                call(first);
            else
                figure(first);
            return Kind::number;
        }
        if (first.kind == Token::Kind::number) {
            advance();
            add({.op = Op::constant, .value = first.number}, 1);
            return Kind::number;
        }
        if (first.is("-") || first.is("!")) {
            advance();
            const Kind wanted = first.is("-") ? Kind::number : Kind::condition;
            const std::size_t column = token_.column;
            // A sign of this kind binds more strongly than any operator between two.
            require(wanted, expression(kStrongest), column);
            add({.op = first.is("-") ? Op::negate : Op::invert}, 0);
            return wanted;
        }
        if (!first.is("(")) {
            complain(first.column, "expected a number, a name, '(', '-' or '!'");
            return Kind::number;
        }
        advance();
        const Kind inner = expression(0);
        expect(")");
        return inner;
    }

    std::uint32_t name_of(const Token& token) {
        const auto found = std::find(names_.begin(), names_.end(), token.text);
        if (found == names_.end())
            complain(token.column, fmt::format("there is no figure '{}', expected one of {}",
                                               token.text, fmt::join(names_, ", ")));
        return static_cast<std::uint32_t>(found - names_.begin());
    }

    std::uint32_t samples(std::uint32_t least) {
        const Token token = token_;
        if (token.whole && token.number >= least && token.number <= kMaxBack)
            advance();
        else
            complain(token.column,
                     fmt::format("expected a whole number from {} to {}", least, kMaxBack));
        return problem_ ? least : static_cast<std::uint32_t>(token.number);
    }

    void figure(const Token& token) {
        Expression::Step step{.op = Op::figure, .name = name_of(token)};
        if (token_.is("[")) {
            advance();
            step.count = samples(0);
            expect("]");
        }
        add(step, 1);
    }

    void call(const Token& function) {
        advance();
        if (function.text == "avg")
            of_figure(Op::average);
        else if (function.text == "delta")
            of_figure(Op::change);
        else if (function.text == "min")
            fold(Op::least);
        else if (function.text == "max")
            fold(Op::most);
        else if (function.text == "clamp")
            clamp();
        else
            complain(
                function.column,
                fmt::format("there is no function '{}', expected min, max, clamp, avg or delta",
                            function.text));
        expect(")");
    }

    // avg(name, samples) or delta(name).
    void of_figure(Op op) {
        if (token_.kind != Token::Kind::name)
            return complain(token_.column, "expected the name of a figure");
        Expression::Step step{.op = op, .name = name_of(token_)};
        advance();
        if (op == Op::average) {
            expect(",");
            step.count = samples(1);
        }
        add(step, 1);
    }

    void argument() {
        const std::size_t column = token_.column;
        require(Kind::number, expression(0), column);
    }
    // One more argument, and what to do with it and what there is.
    void next_argument(Op op) {
        expect(",");
        argument();
        add({.op = op}, -1);
    }
    void fold(Op op) {
        argument();
        do next_argument(op);
        while (token_.is(","));
    }
    // clamp(x, least, most): where they cross, the most counts.
    void clamp() {
        argument();
        next_argument(Op::most);
        next_argument(Op::least);
    }

    std::string_view text_;
    std::span<const std::string_view> names_;
    std::size_t at_ = 0;
    Token token_;
    Expression made_;
    std::optional<Error> problem_;
    int height_ = 0;
    std::size_t depth_ = 0;
};

Result<Expression> parse(std::string_view text, Kind kind,
                         std::span<const std::string_view> names) {
    return Builder(text, names).whole(kind);
}

}  // namespace ballast::rules
