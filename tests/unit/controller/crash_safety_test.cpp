// What a daemon that is killed, or whose state is lost or cannot be written, owes to guests.
#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <mutex>

#include "base/log.h"
#include "controller/book_keeper.h"
#include "fake_backend.h"
#include "tests/unit/http/temp_dir.h"

using namespace ballast;
using namespace ballast::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kLoan = 256 * kMiB;

// The writer's thread logs as well.
class Log {
  public:
    std::size_t count(const std::string& part) const {
        const std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::count_if(
            lines_.begin(), lines_.end(),
            [&](const std::string& line) { return line.find(part) != std::string::npos; }));
    }
    std::size_t size() const {
        const std::lock_guard lock(mutex_);
        return lines_.size();
    }
    void clear() {
        const std::lock_guard lock(mutex_);
        lines_.clear();
    }

  private:
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
    const log::Redirect redirect_{[this](log::Level level, std::string_view line) {
        const std::lock_guard lock(mutex_);
        if (level != log::Level::debug) lines_.emplace_back(line);
    }};
};

// A hypervisor that outlives its daemons; each has the controller, the keeper and the store.
class Host {
  public:
    explicit Host(const Settings& settings = fixed_settings(kLoan / kKiB)) : settings_(settings) {
        backend.capabilities_.reports_oom = true;
    }
    ~Host() { let_disk_go_on(); }
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;

    void start(const RuleSet& rules = {}) { daemon_ = std::make_unique<Daemon>(*this, rules); }
    void kill() {
        daemon_->store->abandon();
        let_disk_go_on();
        daemon_.reset();
    }
    // From now on nothing is written until it goes on.
    void stop_disk() {
        disk_ = std::promise<void>();
        disk_goes_on_ = disk_.get_future().share();
        disk_stands_ = true;
    }
    void let_disk_go_on() {
        if (disk_stands_) disk_.set_value();
        disk_stands_ = false;
    }
    SnapshotExchange::Handle tick() {
        clock.advance(std::chrono::seconds(1));
        controller().tick(clock.now());
        if (!disk_stands_) daemon_->store->flush();
        return controller().snapshots().latest();
    }
    SnapshotExchange::Handle ticks(int count) {
        for (int i = 1; i < count; ++i) tick();
        return tick();
    }
    bool stop() {
        for (int i = 0; i < 20; ++i) {
            if (controller().give_everything_back()) return true;
            clock.advance(std::chrono::milliseconds(100));
        }
        return false;
    }
    Controller& controller() { return daemon_->controller; }
    std::string path() const { return folder_.path("state.db"); }
    std::uint64_t loaned(std::size_t row) const { return backend.table.loaned_bytes[row]; }

    FakeBackend backend;
    VirtualClock clock;
    Log log;

  private:
    struct Daemon {
        Daemon(Host& host, const RuleSet& rules)
            : store(*BookStore::open(host.path(),
                                     [&host] {
                                         if (host.disk_stands_) host.disk_goes_on_.wait();
                                     })),
              keeper(*store),
              controller(host.settings_, host.backend, host.clock, false, rules) {
            controller.set_books(keeper);
        }
        std::unique_ptr<BookStore> store;
        BookKeeper keeper;
        Controller controller;
    };
    const Settings settings_;
    TempDir folder_{TempDir::in_memory()};
    std::promise<void> disk_;
    std::shared_future<void> disk_goes_on_;
    std::atomic<bool> disk_stands_{false};
    std::unique_ptr<Daemon> daemon_;
};

}  // namespace

TEST_CASE("nothing is lent before it is on disk what the domain came with") {
    Host host;
    host.backend.add("g1", kGiB, 30 * kMiB);
    host.stop_disk();
    host.start();
    {
        const auto held = host.ticks(5);
        CHECK(host.backend.steps.empty());
        CHECK(held->decisions[0].constraint == Constraint::state_unsaved);
        CHECK(held->state.unsaved_domains == 1);
    }
    host.let_disk_go_on();
    host.ticks(2);
    CHECK(host.loaned(0) == kLoan);
    host.kill();
    host.start();
    host.tick();
    CHECK(host.stop());
    CHECK(host.loaned(0) == 30 * kMiB);
}

TEST_CASE("where the balloon moves first, a kill costs the guest its memory for good") {
    RuleSet moves_first;
    moves_first.gate = [](DomainControl&, DomainFlags, Time, const GateRules&) noexcept {
        return GateAnswer{};
    };
    const bool safe = GENERATE(true, false);
    Host host;
    host.backend.add("g1", kGiB);
    host.stop_disk();
    host.start(safe ? RuleSet{} : moves_first);
    host.ticks(2);
    host.kill();
    host.backend.carried.clear();
    host.start();
    host.tick();
    CHECK(host.stop());
    CHECK(host.loaned(0) == (safe ? 0 : kLoan));
}

TEST_CASE(
    "while the state cannot be written nothing more is lent, and what is lent can come back") {
    Host host;
    host.backend.add("g1", kGiB);
    host.backend.add("g2", kGiB);
    host.start();
    host.ticks(2);
    host.kill();
    // A folder in the place of the file: nobody can write that.
    fs::remove(host.path());
    fs::create_directory(host.path());
    host.backend.table.loaned_bytes[0] = 0;
    host.start();
    const auto seen = host.ticks(3);
    CHECK(host.loaned(0) == 0);
    CHECK_FALSE(seen->state.write_error.empty());
    CHECK(seen->decisions[0].constraint == Constraint::state_unsaved);
    REQUIRE(host.controller().set_attribute("g2", "simulate_loan_target_kb", "1024"));
    host.tick();
    CHECK(host.loaned(1) == kMiB);
}

TEST_CASE("a domain whose row is lost is taken over from what the hypervisor keeps with it") {
    Host host;
    host.backend.add("g1", kGiB, 30 * kMiB);
    host.backend.add("g2", kGiB);
    host.start();
    host.ticks(3);
    REQUIRE(host.loaned(0) == kLoan);
    const auto carried = host.backend.carried;
    REQUIRE(carried.size() == 2);
    host.kill();
    const bool removed = GENERATE(true, false);
    if (removed)
        fs::remove(host.path());
    else
        std::ofstream(host.path(), std::ios::trunc) << std::string(9000, 'x');
    fs::remove(host.path() + "-wal");
    host.start();
    const auto seen = host.tick();
    CHECK(host.backend.carried == carried);
    CHECK(seen->state.recovered_domains == 2);
    CHECK(seen->state.damage.empty() == removed);
    CHECK(host.log.count("taken over from its metadata") == 2);
    CHECK(host.stop());
    CHECK(host.loaned(0) == 30 * kMiB);
    CHECK(host.loaned(1) == 0);
}

TEST_CASE("the hypervisor keeps what a domain came with before it lends") {
    Host host;
    host.backend.add("g1", kGiB, 30 * kMiB);
    host.start();
    host.tick();
    CHECK(host.backend.steps.empty());
    CHECK(host.backend.carried.at(key_from_name("g1")) == CarriedBooks{30 * kMiB, 0});
}

TEST_CASE("what operators set outlives a daemon that is killed") {
    Host host;
    host.backend.add("g1", kGiB);
    host.backend.add("g2", kGiB);
    host.start();
    host.ticks(3);
    REQUIRE(host.controller().disable("g1", true));
    REQUIRE(host.controller().set_attribute("", "min_mem_mb", "900"));
    REQUIRE(host.controller().set_attribute("", "delay", "2"));
    host.tick();
    host.kill();
    host.start();
    const auto seen = host.ticks(3);
    CHECK(seen->decisions[0].disabled);
    CHECK_FALSE(seen->decisions[1].disabled);
    CHECK(host.loaned(0) == 0);
    CHECK(host.loaned(1) == kGiB - 900 * kMiB);
    CHECK(host.controller().delay() == std::chrono::seconds(2));
    CHECK(seen->state.settings == "delay=2 min_mem_mb=900");
    CHECK(seen->state.domains_with_settings == 1);
}

TEST_CASE("a move that the daemon before asked for and did not write is still ours") {
    Host host;
    host.backend.capabilities_.asynchronous = true;
    host.backend.add("g1", kGiB);
    host.start();
    host.ticks(2);
    host.backend.table.loaned_bytes[0] = kLoan;
    host.ticks(3);
    host.kill();
    // It had asked for more, and was killed before that was written.
    host.start();
    REQUIRE(host.controller().disable("", false));
    host.tick();
    host.backend.table.loaned_bytes[0] = kLoan + 100 * kMiB;
    host.ticks(5);
    CHECK(host.controller().lent_bytes() == kLoan + 100 * kMiB);
}

namespace {

// Three domains that lend 300 MiB each on a host that has room for 350 MiB beside its reserve.
struct FullHost {
    explicit FullHost(Settings settings = fixed_settings(300 * 1024))
        : host([&] {
              settings.host.reserve_bytes = 100 * kMiB;
              return settings;
          }()) {
        for (const char* name : {"calm", "needy", "silent"}) host.backend.add(name, kGiB);
        host.start();
        host.ticks(3);
        host.backend.table.usable_bytes = {500 * kMiB, 300 * kMiB, kUnknownBytes};
        host.backend.host.total_bytes = 4 * kGiB;
        host.backend.host.available_bytes = 450 * kMiB;
        host.backend.answer = [this](const Step& step) {
            auto& available = host.backend.host.available_bytes;
            const std::uint64_t freed = step.loaned_from_bytes - step.loaned_to_bytes;
            available = freed > available ? 0 : available - freed;
            least = std::min(least, available);
            return StepOutcome{StepStatus::done, step.loaned_to_bytes, Constraint::none, {}};
        };
        host.controller().tick(host.clock.now());
        least = host.backend.host.available_bytes;
    }
    void check_given() const {
        CHECK(host.loaned(1) == 0);
        CHECK(host.loaned(0) == 250 * kMiB);
        CHECK(host.loaned(2) == 300 * kMiB);
        CHECK(least == 100 * kMiB);
    }
    std::uint64_t least = kUnknownBytes;
    Host host;
};

}  // namespace

TEST_CASE("a stop gives back what the host has beside its reserve, to the neediest first") {
    FullHost full;
    Host& host = full.host;
    CHECK(host.stop());
    full.check_given();
    CHECK(host.log.count("calm: 250 MiB stay lent: the host has 100 MiB available") == 1);
    CHECK(host.log.count("silent: 300 MiB stay lent") == 1);
    host.kill();
    // The next one knows that it is not theirs for good.
    host.backend.host.available_bytes = 4 * kGiB;
    host.start();
    host.tick();
    CHECK(host.stop());
    CHECK(host.loaned(0) == 0);
    CHECK(host.loaned(2) == 0);
}

TEST_CASE("a release and a switch-off leave the host its reserve as well") {
    FullHost full;
    if (GENERATE(true, false))
        REQUIRE(full.host.controller().release(""));
    else
        REQUIRE(full.host.controller().disable("", true));
    full.check_given();
    CHECK(full.host.log.count("550 MiB stay lent for now") == 1);
}

TEST_CASE("a stop that fails logs a line for each domain, with its cause") {
    Host host;
    host.backend.add("g1", kGiB);
    host.backend.add("g2", kGiB);
    host.start();
    host.ticks(3);
    host.backend.answer = [](const Step& step) {
        return StepOutcome{StepStatus::refused, step.loaned_from_bytes, Constraint::stuck,
                           "row " + std::to_string(step.row) + " does not answer"};
    };
    host.log.clear();
    CHECK_FALSE(host.stop());
    host.controller().report_what_stays();
    CHECK(host.log.size() == 2);
    CHECK(host.log.count("g1: 256 MiB stay lent: row 0 does not answer") == 1);
    CHECK(host.log.count("g2: 256 MiB stay lent: row 1 does not answer") == 1);
}

TEST_CASE("a stop gives back as far as is known where the hypervisor cannot be observed") {
    Host host;
    host.backend.add("g1", kGiB);
    host.start();
    host.ticks(3);
    REQUIRE(host.loaned(0) == kLoan);
    host.backend.observe_error = "it hangs";
    CHECK(host.stop());
    CHECK(host.loaned(0) == 0);
}

TEST_CASE("a daemon that is stopped before its first tick gives back what the one before lent") {
    Host host;
    host.backend.add("g1", kGiB);
    host.start();
    host.ticks(3);
    REQUIRE(host.loaned(0) == kLoan);
    host.kill();
    host.start();
    host.backend.observe_error = "not there yet";
    CHECK_FALSE(host.stop());
    host.backend.observe_error.clear();
    CHECK(host.stop());
    CHECK(host.loaned(0) == 0);
}

TEST_CASE("a daemon that takes over a thousand domains logs a few lines") {
    Host host;
    for (int i = 0; i < 1000; ++i) host.backend.add("g" + std::to_string(i), kGiB);
    host.start();
    host.ticks(3);
    host.kill();
    host.log.clear();
    host.start();
    host.ticks(3);
    CHECK(host.log.size() < 20);
    CHECK(host.log.count("took over 1000 domains from a daemon before") == 1);
}
