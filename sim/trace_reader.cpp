#include "sim/trace_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_map>

#include "base/fd.h"
#include "base/units.h"
#include "model/domain.h"

namespace ballast {
namespace {

constexpr std::string_view kHeader = "vm,t_s,capacity_kib,used_kib";
constexpr std::uint64_t kMostKib = std::uint64_t{1} << 40U;  // 1 PiB
constexpr double kMostSeconds = 1e10;                        // three centuries
constexpr std::size_t kLongestShown = 40;

struct Row {
    std::string_view vm;
    double at_s = 0;
    std::uint64_t capacity_kib = 0;
    std::uint64_t used_kib = 0;
};

class TraceParser {
  public:
    TraceParser(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

    Result<Workload> parse() {
        workload_.name = name_;
        if (rest_.empty()) return problem(1, "the file is empty, expected " + quoted(kHeader));
        if (constexpr std::string_view kMark = "\xef\xbb\xbf"; rest_.starts_with(kMark))
            rest_.remove_prefix(kMark.size());
        take_line();
        if (line_ != kHeader)
            return problem(1, "found " + quoted(line_) + ", expected " + quoted(kHeader));
        while (!rest_.empty()) {
            take_line();
            if (line_.empty()) continue;
            Row row;
            if (auto read = read_row(row); !read) return Failure(read.error());
            if (auto added = add(row); !added) return Failure(added.error());
        }
        if (workload_.vms.empty()) return problem(1, "found no row, expected at least two");
        return finish();
    }

  private:
    static std::string quoted(std::string_view text) {
        const bool whole = text.size() <= kLongestShown;
        return fmt::format("'{}{}'", text.substr(0, kLongestShown), whole ? "" : "...");
    }
    Failure problem(std::size_t column, const std::string& what) const {
        return fail(
            Errc::invalid_argument,
            fmt::format("{}:{}:{}: {}", name_, std::max<std::size_t>(number_, 1), column, what));
    }
    // The column, from 1, where `field` begins; it lies in the line.
    std::size_t column_of(std::string_view field) const {
        return static_cast<std::size_t>(field.data() - line_.data()) + 1;
    }

    void take_line() {
        const std::size_t end = std::min(rest_.find('\n'), rest_.size());
        line_ = rest_.substr(0, end);
        rest_.remove_prefix(std::min(end + 1, rest_.size()));
        if (line_.ends_with('\r')) line_.remove_suffix(1);
        ++number_;
    }

    Result<void> read_row(Row& row) const {
        std::string_view fields[4];
        std::string_view left = line_;
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t comma = left.find(',');
            const bool last = i == 3;
            if ((comma == std::string_view::npos) != last)
                return problem(
                    column_of(left) + (last ? comma : left.size()),
                    fmt::format("found {} fields, expected 4, as in {}",
                                last ? "more than 4" : std::to_string(i + 1), quoted(kHeader)));
            fields[i] = left.substr(0, comma);
            if (!last) left.remove_prefix(comma + 1);
        }
        row.vm = fields[0];
        if (row.vm.empty()) return problem(1, "found no name, expected the machine's");
        if (auto read = read_time(fields[1], row.at_s); !read) return read;
        if (auto read = read_kib(fields[2], "capacity_kib", 1, kMostKib, row.capacity_kib); !read)
            return read;
        return read_kib(fields[3], "used_kib", 0, row.capacity_kib, row.used_kib);
    }

    Result<void> read_time(std::string_view field, double& into) const {
        const char* const end = field.data() + field.size();
        const auto [stop, error] = std::from_chars(field.data(), end, into);
        if (error == std::errc{} && stop == end && into >= 0 && into <= kMostSeconds) return {};
        return problem(column_of(field),
                       "t_s is " + quoted(field) + ", expected seconds, 0 to 1e10");
    }

    Result<void> read_kib(std::string_view field, std::string_view what, std::uint64_t least,
                          std::uint64_t most, std::uint64_t& into) const {
        const char* const end = field.data() + field.size();
        const auto [stop, error] = std::from_chars(field.data(), end, into);
        if (error == std::errc{} && stop == end && into >= least && into <= most) return {};
        return problem(column_of(field),
                       fmt::format("{} is {}, expected whole KiB, {} to {}{}", what, quoted(field),
                                   least, most, most == kMostKib ? "" : " (the capacity)"));
    }

    void add_machine(std::string_view name, std::uint64_t capacity_bytes) {
        WorkloadVm& vm = workload_.vms.emplace_back();
        vm.name = name;
        vm.capacity_bytes = capacity_bytes;
        vm.min_mem_bytes = kUnknownBytes;
        vm.balloon_bytes_per_s = kTraceBalloonBytesPerS;
        vm.series = workload_.series.size();
        workload_.series.emplace_back();
    }

    Result<void> add(const Row& row) {
        const std::uint64_t capacity_bytes = row.capacity_kib * kKiB;
        if (workload_.vms.empty() || workload_.vms[current_].name != row.vm) {
            const auto [found, is_new] = index_of_.emplace(row.vm, workload_.vms.size());
            current_ = found->second;
            if (is_new) add_machine(row.vm, capacity_bytes);
        }
        auto& points = workload_.series[current_].points;
        const std::size_t after_name = row.vm.size() + 2;
        if (!points.empty() && row.at_s <= points.back().at_s)
            return problem(after_name, fmt::format("t_s is {}, expected more than the {} before it",
                                                   row.at_s, points.back().at_s));
        if (workload_.vms[current_].capacity_bytes != capacity_bytes)
            return problem(
                after_name,
                fmt::format("capacity_kib is {}, expected {} as in the rows before it",
                            row.capacity_kib, workload_.vms[current_].capacity_bytes / kKiB));
        points.push_back({row.at_s, static_cast<double>(row.used_kib * kKiB)});
        return {};
    }

    // Moves the start to 0, and tells when each machine comes and goes.
    Result<Workload> finish() {
        double start_s = std::numeric_limits<double>::max();
        double end_s = 0;
        for (const DemandSeries& series : workload_.series) {
            start_s = std::min(start_s, series.points.front().at_s);
            end_s = std::max(end_s, series.points.back().at_s);
        }
        if (!(end_s > start_s))
            return problem(1, "all rows are of one time, expected at least two times");
        workload_.length_s = end_s - start_s;
        for (std::size_t vm = 0; vm < workload_.vms.size(); ++vm) {
            auto& points = workload_.series[vm].points;
            for (DemandPoint& point : points) point.at_s -= start_s;
            workload_.changes.push_back({points.front().at_s, vm, WorkloadChangeKind::comes});
            if (points.back().at_s < workload_.length_s)
                workload_.changes.push_back({points.back().at_s, vm, WorkloadChangeKind::goes});
        }
        std::stable_sort(
            workload_.changes.begin(), workload_.changes.end(),
            [](const WorkloadChange& a, const WorkloadChange& b) { return a.at_s < b.at_s; });
        return std::move(workload_);
    }

    std::string_view rest_;
    std::string_view line_;
    std::size_t number_ = 0;
    const std::string& name_;
    Workload workload_;
    std::unordered_map<std::string_view, std::size_t> index_of_;
    std::size_t current_ = 0;  // of the last row's machine
};

Result<std::string> contents(const std::string& path) {
    const auto failed = [&path](int error) { return fail(Errc::io, "cannot read " + path, error); };
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return failed(errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) return failed(errno);
    std::string text;
    // One more than its size, so that a file of that size ends in the second read.
    text.resize(static_cast<std::size_t>(std::max<off_t>(status.st_size, 0)) + 1);
    std::size_t size = 0;
    for (;;) {
        const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failed(errno);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
        if (size == text.size()) text.resize(2 * text.size());
    }
    text.resize(size);
    return text;
}

}  // namespace

Result<Workload> parse_trace(std::string_view text, const std::string& name) {
    return TraceParser(text, name).parse();
}

Result<Workload> read_trace(const std::string& path) {
    const auto text = contents(path);
    if (!text) return Failure(text.error());
    return parse_trace(*text, path);
}

}  // namespace ballast
