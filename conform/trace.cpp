#include "conform/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/units.h"

namespace ballast::conform {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t largest = std::uint64_t{1} << 53U;  // KiB or pages; exact in a double
constexpr double longest_s = 1e7;
constexpr std::uint64_t largest_guest = 1024 * kGiB;

// What is wrong with a line; caught in read_trace.
struct Problem {
    std::string text;
};

const Json& field(const Json& line, const char* name) {
    const auto found = line.find(name);
    if (found == line.end()) throw Problem{fmt::format("no field '{}'", name)};
    return *found;
}

std::string text_of(const Json& line, const char* name) {
    const Json& value = field(line, name);
    if (!value.is_string()) throw Problem{fmt::format("'{}' is no text", name)};
    return value.get<std::string>();
}

std::string text_if_any(const Json& line, const char* name) {
    return line.contains(name) ? text_of(line, name) : std::string{};
}

std::int64_t integer_of(const Json& line, const char* name) {
    const Json& value = field(line, name);
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() || value.get<std::uint64_t>() <= largest) &&
                      value.get<std::int64_t>() >= -static_cast<std::int64_t>(largest);
    if (!fits) throw Problem{fmt::format("'{}' is no whole number up to 2^53", name)};
    return value.get<std::int64_t>();
}

std::uint64_t count_of(const Json& line, const char* name) {
    const std::int64_t value = integer_of(line, name);
    if (value < 0) throw Problem{fmt::format("'{}' is {}, expected 0 or more", name, value)};
    return static_cast<std::uint64_t>(value);
}

double seconds_of(const Json& line, const char* name) {
    const Json& value = field(line, name);
    const double found_s = value.is_number() ? value.get<double>() : NAN;
    if (!(found_s >= -longest_s && found_s <= longest_s))
        throw Problem{fmt::format("'{}' is no time in seconds", name)};
    return found_s;
}

Duration duration_of(double time_s) {
    return Duration{static_cast<std::int64_t>(std::llround(time_s * 1e9))};
}

// The difference of two counts, whatever they are.
std::int64_t difference_of(const Json& line, const char* name) {
    const Json& value = field(line, name);
    const bool fits = value.is_number_integer() &&
                      (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX);
    if (!fits) throw Problem{fmt::format("'{}' is no whole number of 64 bits", name)};
    return value.get<std::int64_t>();
}

TracedPoll read_poll(const Json& line) {
    return {difference_of(line, "delta"), count_of(line, "loaned"), count_of(line, "target"),
            count_of(line, "oom"), count_of(line, "totalram")};
}

TracedSample read_sample(const Json& line) {
    TracedSample sample;
    sample.managed_kib = count_of(line, "MemTotal_kb");
    sample.loaded = integer_of(line, "loaned_kb") >= 0;
    if (!sample.loaded) return sample;
    sample.loaned_kib = count_of(line, "loaned_kb");
    // The last thing read: -1 if the driver went away meanwhile.
    const std::int64_t after = integer_of(line, "loaned_kb_after");
    sample.loaned_kib_after = after < 0 ? UINT64_MAX : static_cast<std::uint64_t>(after);
    sample.loan_target_kib = count_of(line, "loaned_target_kb");
    sample.oom_freed_kib = count_of(line, "oom_freed_kb");
    return sample;
}

TracedAction read_action(const Json& line) {
    TracedAction action;
    action.op = text_of(line, "op");
    action.path = text_if_any(line, "arg");
    action.value = text_if_any(line, "value");
    action.until = duration_of(seconds_of(line, line.contains("t_end") ? "t_end" : "t"));
    if (line.contains("rc") && integer_of(line, "rc") < 0) {
        action.sys_errno = static_cast<int>(std::min<std::uint64_t>(count_of(line, "errno"), 4095));
        if (action.sys_errno == 0) throw Problem{"'rc' says that it failed, 'errno' that not"};
    }
    return action;
}

// "cmm: delta = 8, loaned = 0, ..." in the kernel's log, where it was not split up already.
std::optional<TracedPoll> poll_in(std::string_view text) {
    constexpr std::string_view prefix = "cmm: delta = ";
    if (text.substr(0, prefix.size()) != prefix) return std::nullopt;
    const std::string copy(text);
    long long delta = 0;
    unsigned long long loaned = 0, target = 0, oom = 0, totalram = 0;
    const int read =
        std::sscanf(copy.c_str(),
                    "cmm: delta = %lld, loaned = %llu, target = %llu, oom = %llu, totalram = %llu",
                    &delta, &loaned, &target, &oom, &totalram);
    if (read != 5 || std::max({loaned, target, oom, totalram}) > largest)
        throw Problem{"a poll's line in the kernel's log that cannot be read"};
    return TracedPoll{delta, loaned, target, oom, totalram};
}

class Reader {
  public:
    void line(std::size_t number, std::string_view text) {
        const Json parsed = Json::parse(text, nullptr, false);
        if (!parsed.is_object()) throw Problem{"no JSON object"};
        const std::string kind = text_of(parsed, "ev");
        if (!has_meta_ && kind != "meta")
            throw Problem{fmt::format("'{}' comes before 'meta'", kind)};
        if (kind == "meta") read_meta(parsed);
        if (kind == "boot") read_boot(parsed);
        if (kind == "poll") add(number, kernel_time(parsed), read_poll(parsed));
        if (kind == "sample") add(number, seconds_of(parsed, "t"), read_sample(parsed));
        if (kind == "action") add(number, seconds_of(parsed, "t"), read_action(parsed));
        if (kind == "kmsg") {
            std::string message = text_of(parsed, "msg");
            if (const auto poll = poll_in(message)) {
                add(number, kernel_time(parsed), *poll);
            } else {
                add(number, kernel_time(parsed), TracedMessage{std::move(message)});
            }
        }
    }

    Trace finish() {
        if (!has_meta_) throw Problem{"no line of kind 'meta'"};
        if (trace_.memory_bytes == 0) throw Problem{"no line of kind 'boot'"};
        std::stable_sort(trace_.entries.begin(), trace_.entries.end(),
                         [](const TraceEntry& a, const TraceEntry& b) { return a.at < b.at; });
        return std::move(trace_);
    }

  private:
    void read_meta(const Json& line) {
        if (has_meta_) throw Problem{"a second 'meta'"};
        has_meta_ = true;
        const std::uint64_t page_kib = count_of(line, "page_kb");
        if (page_kib != 4 && page_kib != 64)
            throw Problem{fmt::format("'page_kb' is {}, expected 4 or 64", page_kib)};
        trace_.page_bytes = static_cast<std::uint32_t>(page_kib * kKiB);
        kernel_offset_s_ = seconds_of(line, "kt_minus_t");
    }

    void read_boot(const Json& line) {
        const std::uint64_t memory_kib = count_of(line, "MemTotal_kb");
        if (memory_kib < 1024 || memory_kib > largest_guest / kKiB ||
            memory_kib * kKiB % trace_.page_bytes != 0)
            throw Problem{fmt::format("'MemTotal_kb' is {}, expected whole pages, 1 MiB to 1 TiB",
                                      memory_kib)};
        trace_.memory_bytes = memory_kib * kKiB;
        const std::string block = text_of(line, "mem_block_size");
        const auto [end, error] =
            std::from_chars(block.data(), block.data() + block.size(), trace_.block_bytes, 16);
        const std::uint64_t bytes = trace_.block_bytes;
        if (error != std::errc{} || end != block.data() + block.size() || bytes < kMiB ||
            bytes > kGiB || (bytes & (bytes - 1)) != 0)
            throw Problem{fmt::format(
                "'mem_block_size' is '{}', expected a power of two in hexadecimal, 1 MiB to 1 GiB",
                block)};
    }

    double kernel_time(const Json& line) const { return seconds_of(line, "kt") - kernel_offset_s_; }

    template <class What>
    void add(std::size_t line, double time_s, What what) {
        trace_.entries.push_back({line, duration_of(time_s), std::move(what)});
    }

    Trace trace_;
    bool has_meta_ = false;
    double kernel_offset_s_ = 0;  // kernel log time less the guest's monotonic time
};

}  // namespace

Result<Trace> read_trace(std::string_view text, const std::string& name) {
    Reader reader;
    std::size_t number = 0;
    try {
        while (!text.empty()) {
            ++number;
            const std::size_t end = text.find('\n');
            const std::string_view line = text.substr(0, end);
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
            if (line.find_first_not_of(" \t\r") != std::string_view::npos)
                reader.line(number, line);
        }
        Trace trace = reader.finish();
        trace.name = name;
        return trace;
    } catch (const Problem& problem) {
        return fail(Errc::bad_data,
                    fmt::format("{}:{}: {}", name, std::max<std::size_t>(number, 1), problem.text));
    } catch (const Json::exception& error) {
        return fail(Errc::bad_data, fmt::format("{}:{}: {}", name, number, error.what()));
    }
}

}  // namespace ballast::conform
