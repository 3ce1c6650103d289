// One map of the configuration being read: each key is named once, where it is used.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/config.h"
#include "config/yaml_document.h"

namespace ballast {

// Inclusive bounds.
struct NumberRange {
    std::uint64_t min = 0;
    std::uint64_t max = std::uint64_t{1} << 53U;
};
struct TimeSpan {
    Duration min{};
    Duration max = std::chrono::hours(24 * 365);
};

// Reads keys into values that hold their defaults already; a key that is absent changes nothing.
// Every problem is noted with its place and reading goes on. Keys nobody asked for are reported at
// the end.
class Section {
  public:
    // `node` must be a map or absent (null); anything else is a problem. `path` is "cmm",
    // "scenario.pool".
    Section(const YamlNode& node, std::string path, std::vector<ConfigProblem>& problems);
    // Reports unknown keys, with the nearest known one.
    ~Section();
    Section(const Section&) = delete;
    Section& operator=(const Section&) = delete;

    using Range = NumberRange;
    using Span = TimeSpan;
    static constexpr std::uint64_t kAnySize = std::uint64_t{1} << 53U;

    // True if the key is there and its value was taken.
    bool number(std::string_view key, std::uint64_t& into, Range range = {});
    bool number(std::string_view key, std::optional<std::uint64_t>& into, Range range = {});
    bool number(std::string_view key, std::uint32_t& into, Range range);
    bool size(std::string_view key, std::uint64_t& into, Range range = {0, kAnySize});
    bool size(std::string_view key, std::optional<std::uint64_t>& into,
              Range range = {0, kAnySize});
    bool duration(std::string_view key, Duration& into, Span span = {});
    bool duration(std::string_view key, std::optional<Duration>& into, Span span = {});
    // Also with a fraction, both bounds included.
    bool real(std::string_view key, double& into, double least, double most);
    bool flag(std::string_view key, bool& into);
    bool flag(std::string_view key, std::optional<bool>& into);
    bool text(std::string_view key, std::string& into);
    // One of `choices`; answers its index.
    std::optional<std::size_t> choice(std::string_view key,
                                      const std::vector<std::string_view>& choices);

    // The node under `key`, or null; marks the key as known.
    const YamlNode* find(std::string_view key);
    // The same, where only a list will do.
    const YamlNode* list(std::string_view key);

    bool has(std::string_view key) const noexcept;
    const YamlNode& node() const noexcept { return node_; }
    std::vector<ConfigProblem>& problems() noexcept { return problems_; }
    // A problem at the value of `key`, or at this section where the key is absent.
    void problem(std::string_view key, std::string message);
    // A problem if `key` is absent.
    void require(std::string_view key, std::string_view expected);
    std::string full_name(std::string_view key) const;
    // Leaves unknown keys unreported: the keys are names (domains).
    void accept_any_key() noexcept { any_key_ = true; }

  private:
    const YamlNode* scalar(std::string_view key, std::string_view expected);
    bool parsed_number(const YamlNode& value, std::string_view key, std::uint64_t& into,
                       Range range);
    bool parsed_size(const YamlNode& value, std::string_view key, std::uint64_t& into, Range range);

    const YamlNode& node_;
    std::string path_;
    std::vector<ConfigProblem>& problems_;
    std::vector<std::string> known_;
    bool any_key_ = false;
};

// "'text'", "a list", "empty": what stands there, for messages.
std::string found(const YamlNode& node);
// Adds a problem at `node`.
void add_problem(std::vector<ConfigProblem>& problems, const YamlNode& node, std::string message);

}  // namespace ballast
