#include "policy/row_state.h"

#include <catch2/catch.hpp>

using namespace ballast;

namespace {

DomainTable table(std::uint64_t membership, const std::vector<const char*>& names) {
    DomainTable domains;
    domains.resize(names.size());
    domains.membership = membership;
    for (std::size_t row = 0; row < names.size(); ++row)
        domains.key[row] = key_from_name(names[row]);
    return domains;
}

}  // namespace

TEST_CASE("what is known of a domain follows it to its new row") {
    RowFollower rows;
    std::vector<int> numbers;
    std::vector<std::string> words;
    CHECK(rows.follow(table(1, {"a", "b", "c"}), numbers, words));
    CHECK(numbers == std::vector<int>{0, 0, 0});
    numbers = {1, 2, 3};
    words = {"one", "two", "three"};
    CHECK_FALSE(rows.follow(table(1, {"a", "b", "c"}), numbers, words));
    CHECK(rows.follow(table(2, {"c", "new", "a"}), numbers, words));
    CHECK(numbers == std::vector<int>{3, 0, 1});
    CHECK(words == std::vector<std::string>{"three", "", "one"});
}

TEST_CASE("a domain that has gone is forgotten") {
    RowFollower rows;
    std::vector<int> numbers;
    rows.follow(table(1, {"a", "b"}), numbers);
    numbers = {1, 2};
    rows.follow(table(2, {"a"}), numbers);
    rows.follow(table(3, {"a", "b"}), numbers);
    CHECK(numbers == std::vector<int>{1, 0});
}

TEST_CASE("two rows of one key do not share what is known") {
    RowFollower rows;
    std::vector<int> numbers;
    rows.follow(table(1, {"a"}), numbers);
    numbers = {1};
    rows.follow(table(2, {"a", "a"}), numbers);
    CHECK(numbers == std::vector<int>{1, 0});
}

TEST_CASE("an observation that begins without domains is followed as well") {
    RowFollower rows;
    std::vector<int> numbers;
    CHECK(rows.follow(table(0, {}), numbers));
    CHECK_FALSE(rows.follow(table(0, {}), numbers));
    CHECK(rows.follow(table(0, {"a"}), numbers));
    CHECK(numbers.size() == 1);
}
