// The event bus beside other ways to hand 64-byte records to another thread: a ring under a spin
// lock, as in the kernel-bypass Ethernet drivers that share a file; the same under a robust mutex;
// a pipe; datagrams.
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "base/clock.h"
#include "bench/mock_host.h"
#include "bench/side_by_side.h"
#include "bus/ballast_bus.hpp"
#include "bus/bus_file.h"
#include "bus/ring.h"
#include "controller/bus_feed.h"

namespace ballast::bench {
namespace {

constexpr std::uint32_t slots = 16384;
constexpr std::size_t records_a_commit = 64;  // as a tick has many
constexpr std::size_t batch = 8192;           // so that nothing is lost

struct Record {
    std::array<std::uint64_t, 8> words{};
};

// A channel has one sender and one receiver; receive() answers false where nothing is there.
class BusChannel {
  public:
    BusChannel() {
        std::string pattern = std::filesystem::temp_directory_path() / "ballast-bench-XXXXXX";
        if (mkdtemp(pattern.data()) == nullptr) std::abort();
        folder_ = pattern;
        auto made = BusFile::create(folder_ + "/events", {.slot_count = slots}, clock_);
        if (!made) std::abort();
        file_ = std::move(*made);
        ring_.emplace(file_->header(), file_->slots(), slots);
        bus_.emplace(folder_ + "/events");
    }
    ~BusChannel() { std::filesystem::remove_all(folder_); }
    void send(const Record& record) {
        ring_->publish(BALLAST_BUS_TICK, 1, {}, std::as_bytes(std::span(&record, 1)));
    }
    void flush() {
        ring_->publish_head();
        const bool waited_for = file_->is_waited_for();
        ring_->change_word();
        if (waited_for) file_->wake();
    }
    bool receive(Record& record) {
        if (bus_->next(seen_, 0) != BALLAST_BUS_RECORD) return false;
        std::memcpy(&record, seen_.payload.bytes, sizeof(record));
        return true;
    }

  private:
    SystemClock clock_;
    std::string folder_;
    std::unique_ptr<BusFile> file_;
    std::optional<Ring<>> ring_;
    std::optional<Bus> bus_;
    ballast_bus_record seen_;
};

class SpinLock {
  public:
    void lock() {
        while (word_.exchange(1, std::memory_order_acquire) != 0) {
        }
    }
    void unlock() { word_.store(0, std::memory_order_release); }

  private:
    std::atomic<std::uint32_t> word_{0};
};

class RobustMutex {
  public:
    RobustMutex() {
        pthread_mutexattr_t attributes;
        pthread_mutexattr_init(&attributes);
        pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
        pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
        pthread_mutex_init(&mutex_, &attributes);
        pthread_mutexattr_destroy(&attributes);
    }
    ~RobustMutex() { pthread_mutex_destroy(&mutex_); }
    void lock() { pthread_mutex_lock(&mutex_); }
    void unlock() { pthread_mutex_unlock(&mutex_); }

  private:
    pthread_mutex_t mutex_{};
};

template <class Lock>
class LockedRing {
  public:
    void send(const Record& record) {
        const std::lock_guard guard(lock_);
        ring_[generation_ % slots] = record;
        ++generation_;
    }
    void flush() {}
    bool receive(Record& record) {
        const std::lock_guard guard(lock_);
        if (next_ == generation_) return false;
        record = ring_[next_ % slots];
        ++next_;
        return true;
    }

  private:
    alignas(128) Lock lock_;
    alignas(128) std::uint64_t generation_ = 0;
    alignas(128) std::uint64_t next_ = 0;
    std::vector<Record> ring_{slots};
};

class Descriptors {
  public:
    explicit Descriptors(bool pipe) {
        const int made = pipe ? ::pipe(ends_.data())
                              : socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends_.data());
        if (made != 0) std::abort();
        if (!pipe) std::swap(ends_[0], ends_[1]);
    }
    ~Descriptors() {
        for (const int end : ends_) close(end);
    }
    void send(const Record& record) {
        if (write(ends_[1], &record, sizeof(record)) != sizeof(record)) std::abort();
    }
    void flush() {}
    bool receive(Record& record) { return read(ends_[0], &record, sizeof(record)) > 0; }

  private:
    std::array<int, 2> ends_{};
};
struct Pipe : Descriptors {
    Pipe() : Descriptors(true) {}
};
struct Datagrams : Descriptors {
    Datagrams() : Descriptors(false) {}
};

// ns a record, from the first one sent to the last one received by another thread.
template <class Channel>
std::function<double()> end_to_end() {
    auto channel = std::make_shared<Channel>();
    return if_clean([channel] {
        const SystemClock clock;
        std::atomic<bool> ready{false};
        Time end{};
        std::uint64_t wrong = 0;
        std::thread receiver([&] {
            Record record;
            ready = true;
            for (std::size_t i = 0; i < batch;) {
                if (!channel->receive(record)) continue;
                if (record.words[7] != i) ++wrong;
                ++i;
            }
            end = clock.now();
        });
        while (!ready) std::this_thread::yield();
        const Time begin = clock.now();
        Record record;
        for (std::size_t i = 0; i < batch; ++i) {
            record.words[7] = i;
            channel->send(record);
            if (i % records_a_commit == 0) channel->flush();
        }
        channel->flush();
        receiver.join();
        if (wrong > 0) std::abort();
        return std::chrono::duration<double, std::nano>(end - begin).count() / batch;
    });
}

// Two threads are seldom undisturbed for long: the first clean window of some.
std::function<double()> patient(std::function<double()> window) {
    return [window = std::move(window)] {
        double ns = window();
        for (int tries = 1; !std::isfinite(ns) && tries < 20; ++tries) ns = window();
        return ns;
    };
}

Case publish() {
    auto bus = std::make_shared<BusChannel>();
    auto memory = std::make_shared<std::vector<unsigned char>>(std::size_t{slots} * BUS_SLOT_SIZE);
    return {"bus.publish", "copy", "ns/record", timed([bus] {
                Record record;
                for (std::size_t i = 0; i < batch; ++i) {
                    record.words[7] = i;
                    asm volatile("" : : "r"(&record) : "memory");
                    bus->send(record);
                }
                bus->flush();
                return batch;
            }),
            timed([memory] {
                Record record;
                for (std::size_t i = 0; i < batch; ++i) {
                    record.words[7] = i;
                    asm volatile("" : : "r"(&record) : "memory");
                    std::memcpy(memory->data() + (i % slots) * BUS_SLOT_SIZE, &record,
                                sizeof(record));
                }
                asm volatile("" : : "r"(memory->data()) : "memory");
                return batch;
            })};
}

// Processes that each wait for every record, until it is destroyed.
class Watchers {
  public:
    Watchers(const std::string& path, int count) {
        std::array<int, 2> opened{};
        if (::pipe(opened.data()) != 0) std::abort();
        for (int i = 0; i < count; ++i) {
            processes_.push_back(fork());
            if (processes_.back() != 0) continue;
            Bus bus(path);
            if (write(opened[1], "x", 1) != 1) _exit(1);
            ballast_bus_record record;
            for (;;) bus.next(record);
        }
        char byte = 0;
        for (int i = 0; i < count; ++i)
            if (read(opened[0], &byte, 1) != 1) std::abort();
        for (const int end : opened) close(end);
    }
    ~Watchers() {
        for (const pid_t process : processes_) {
            kill(process, SIGKILL);
            waitpid(process, nullptr, 0);
        }
    }
    Watchers(const Watchers&) = delete;
    Watchers& operator=(const Watchers&) = delete;

  private:
    std::vector<pid_t> processes_;
};

// A controller that tells the bus what it does.
struct WatchedHost {
    WatchedHost() {
        std::string pattern = std::filesystem::temp_directory_path() / "ballast-bench-XXXXXX";
        if (mkdtemp(pattern.data()) == nullptr) std::abort();
        folder = pattern;
        if (!feed.attach({folder + "/events", 4096})) std::abort();
        host.controller.set_feed(feed);
        host.tick();
    }
    ~WatchedHost() { std::filesystem::remove_all(folder); }
    std::string folder;
    SystemClock clock;
    BusFeed feed{clock};
    MockHost host{1000};
};

// The 99th percentile of what ticks take, publication included, that come every 20 ms.
std::function<double()> watched_ticks(std::shared_ptr<WatchedHost> watched, int watchers) {
    return [watched = std::move(watched), watchers] {
        constexpr Duration pace = std::chrono::milliseconds(20);
        const SystemClock& clock = watched->clock;
        const Watchers processes(watched->folder + "/events", watchers);
        std::array<double, 100> ns{};
        Time due = clock.now();
        const auto tick = [&] {
            due += pace;
            std::this_thread::sleep_for(due - clock.now());
            const Time begun = clock.now();
            watched->host.tick();
            return std::chrono::duration<double, std::nano>(clock.now() - begun).count();
        };
        // Memory that was shared with a new process is copied when it is written next.
        for (int warm_up = 0; warm_up < 20; ++warm_up) tick();
        for (double& sample : ns) sample = tick();
        auto* const p99 = ns.begin() + ns.size() * 99 / 100 - 1;
        std::nth_element(ns.begin(), p99, ns.end());
        return *p99;
    };
}

Case watched() {
    constexpr int hundred = 100;
    auto host = std::make_shared<WatchedHost>();
    return {"bus.tick_p99", "without", "ns/tick", watched_ticks(host, hundred),
            watched_ticks(host, 0)};
}

template <class Channel>
NamedCase against(const char* baseline) {
    return {"bus.end_to_end", [baseline] {
                return Case{"bus.end_to_end", baseline, "ns/record",
                            patient(end_to_end<BusChannel>()), patient(end_to_end<Channel>())};
            }};
}

}  // namespace

std::vector<NamedCase> bus_cases() {
    return {{"bus.publish", publish},
            against<LockedRing<SpinLock>>("bus.lock_ring"),
            against<LockedRing<RobustMutex>>("bus.robust_ring"),
            against<Pipe>("bus.pipe"),
            against<Datagrams>("bus.dgram"),
            {"bus.tick_p99", watched}};
}

}  // namespace ballast::bench
