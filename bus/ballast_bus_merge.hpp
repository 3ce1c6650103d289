// Several buses of one host as one: their records in the order of time.
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#if __has_include("bus/ballast_bus.hpp")
#include "bus/ballast_bus.hpp"
#else
#include <ballast/ballast_bus.hpp>
#endif

namespace ballast {

// A record waits until each other bus that has a writer has told something later, or for `hold`
// after it was read: a bus that is quiet holds the others up for that long. What comes later than
// that with an earlier time is told when it comes. For one thread.
class BusMerge {
  public:
    struct Told {
        ballast_bus_answer answer = BALLAST_BUS_NOTHING;
        std::size_t bus = 0;  // which of the paths
    };

    // Opens all. Errors are thrown as std::system_error, which names the path.
    explicit BusMerge(const std::vector<std::string>& paths, unsigned flags = 0,
                      std::chrono::milliseconds hold = std::chrono::seconds(1))
        : hold_(hold) {
        for (const std::string& path : paths) sources_.emplace_back(Bus(path, flags));
    }

    // As Bus::next, of the bus whose turn it is.
    Told next(ballast_bus_record& record, int timeout_ms = -1) {
        if (sources_.size() == 1) return {sources_.front().bus.next(record, timeout_ms), 0};
        const Time deadline = Steady::now() + std::chrono::milliseconds(timeout_ms);
        for (;;) {
            for (Source& source : sources_) source.fill();
            const Time now = Steady::now();
            if (const Told told = take(record, now); told.answer != BALLAST_BUS_NOTHING)
                return told;
            if (timeout_ms >= 0 && now >= deadline) return {};
            wait(now, timeout_ms >= 0 ? deadline : Time::max());
        }
    }
    // As Bus::error.
    std::string error(std::size_t bus) const { return sources_[bus].bus.error(); }
    // Of all buses.
    std::uint64_t lost() const noexcept {
        std::uint64_t sum = 0;
        for (const Source& source : sources_) sum += source.bus.lost();
        return sum;
    }

  private:
    using Steady = std::chrono::steady_clock;
    using Time = Steady::time_point;

    struct Arrival {
        ballast_bus_answer answer;
        ballast_bus_record record;
        Time at;
    };
    struct Source {
        explicit Source(Bus opened) : bus(std::move(opened)) {}
        void fill() {
            constexpr std::size_t most = 65536;
            while (queue.size() < most) {
                Arrival arrival{};
                arrival.answer = bus.next(arrival.record, 0);
                if (arrival.answer == BALLAST_BUS_NOTHING) return;
                gone = arrival.answer == BALLAST_BUS_WRITER_GONE;
                arrival.at = Steady::now();
                queue.push_back(arrival);
            }
        }
        Bus bus;
        std::deque<Arrival> queue;
        bool gone = false;  // nobody writes it: it is not waited for
    };

    Told take(ballast_bus_record& record, Time now) {
        Source* earliest = nullptr;
        bool all_told = true;
        for (Source& source : sources_) {
            if (source.queue.empty()) {
                all_told = all_told && source.gone;
                continue;
            }
            const Arrival& first = source.queue.front();
            // What is no record has no time: it is told at once.
            if (first.answer != BALLAST_BUS_RECORD) return pop(source, record);
            if (earliest == nullptr ||
                first.record.monotonic_ns < earliest->queue.front().record.monotonic_ns)
                earliest = &source;
        }
        if (earliest == nullptr) return {};
        if (!all_told && now - earliest->queue.front().at < hold_) return {};
        return pop(*earliest, record);
    }
    Told pop(Source& source, ballast_bus_record& record) {
        const Told told{source.queue.front().answer,
                        static_cast<std::size_t>(&source - sources_.data())};
        record = source.queue.front().record;
        source.queue.pop_front();
        return told;
    }
    // Until a bus has something, or the earliest record has waited for long enough.
    void wait(Time now, Time deadline) {
        Time until = deadline;
        std::vector<pollfd> quiet;
        for (Source& source : sources_) {
            if (source.queue.empty())
                quiet.push_back({source.bus.fd(), POLLIN, 0});
            else
                until = std::min(until, source.queue.front().at + hold_);
        }
        int timeout_ms = -1;
        if (until != Time::max()) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
            timeout_ms = static_cast<int>(std::max<decltype(left)>(left, 0));
        }
        ::poll(quiet.data(), quiet.size(), timeout_ms);
    }

    std::chrono::milliseconds hold_;
    std::vector<Source> sources_;
};

}  // namespace ballast
