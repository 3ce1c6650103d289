// Short traces as the driver would have written them, line by line. A guest of 64 MiB with pages of
// 4 KiB: 16384 pages.
#pragma once

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "conform/replay.h"

namespace ballast::conform::test {

class DriverLog {
  public:
    static constexpr std::int64_t kPages = 16384;

    // Loads the driver; 16 MiB stay with the guest.
    explicit DriverLog(const std::string& parameters = "oom_kb=64") {
        raw(R"({"ev": "meta", "page_kb": 4, "kt_minus_t": 0})");
        raw(R"({"ev": "boot", "t": 0, "MemTotal_kb": 65536, "mem_block_size": "1000000"})");
        raw(fmt::format(R"({{"ev": "action", "op": "insmod", "t": 0.1, "t_end": 0.11, )"
                        R"("arg": "simulate=1 debug=1 min_mem_mb=16 {}", "rc": 0}})",
                        parameters));
    }
    DriverLog& raw(const std::string& line) {
        text_ += line + "\n";
        return *this;
    }
    // Of the driver's device, or one of the module's parameters.
    DriverLog& write(double t, const std::string& attribute, const std::string& value,
                     double t_end = 0) {
        const bool device = attribute == "simulate_loan_target_kb" || attribute == "oom_freed_kb";
        return raw(fmt::format(
            R"({{"ev": "action", "op": "set", "t": {}, "t_end": {}, "arg": "/sys/{}/{}", )"
            R"("value": "{}", "rc": 1}})",
            t, t_end > 0 ? t_end : t, device ? "devices/system/cmm/cmm0" : "module/cmm/parameters",
            attribute, value));
    }
    DriverLog& log(double t, const std::string& message) {
        return raw(fmt::format(R"({{"ev": "kmsg", "kt": {}, "msg": "cmm: {}"}})", t, message));
    }
    // In pages, as before the move.
    DriverLog& poll(double t, std::int64_t loaned, std::int64_t target, std::int64_t oom,
                    std::int64_t wanted) {
        return raw(fmt::format(R"({{"ev": "poll", "kt": {}, "delta": {}, "loaned": {}, )"
                               R"("target": {}, "oom": {}, "totalram": {}}})",
                               t, wanted - loaned, loaned, target, oom, kPages - loaned));
    }
    // In pages too.
    DriverLog& sample(double t, std::int64_t loaned, std::int64_t target, std::int64_t oom) {
        return raw(
            fmt::format(R"({{"ev": "sample", "t": {}, "loaned_kb": {}, "loaned_target_kb": {}, )"
                        R"("oom_freed_kb": {}, "loaned_kb_after": {}, "MemTotal_kb": {}}})",
                        t, loaned * 4, target * 4, oom * 4, loaned * 4, (kPages - loaned) * 4));
    }
    // An OOM, with what its notifier frees.
    DriverLog& oom(double t, std::int64_t pages = 16) {
        log(t, "OOM processing started");
        log(t + 0.001, fmt::format("Begin free of {} pages.", pages));
        log(t + 0.002, "End request with 0 pages unfulfilled");
        return log(t + 0.003, "OOM processing complete");
    }
    // The guest lends `pages` at once, at 1 s.
    DriverLog& lends(std::int64_t pages) {
        write(0.2, "simulate_loan_target_kb", std::to_string(pages * 4));
        poll(1, 0, pages, 0, pages);
        log(1.01, fmt::format("Begin request for {} pages", pages));
        log(1.1, "End request with 0 pages unfulfilled");
        return sample(1.2, pages, pages, 0);
    }

    const std::string& text() const { return text_; }
    Comparison replayed() const {
        const auto trace = read_trace(text_, "made.jsonl");
        if (!trace) FAIL(trace.error().message());
        const auto comparison = replay(*trace);
        if (!comparison) FAIL(comparison.error().message());
        return *comparison;
    }

  private:
    std::string text_;
};

inline std::string told(const Comparison& comparison) {
    if (!comparison.first) return "";
    const Difference& first = *comparison.first;
    return fmt::format("line {}: {}: driver {}, Ballast {}; {}", first.line, first.what,
                       first.driver, first.ballast, first.explanation);
}

}  // namespace ballast::conform::test
