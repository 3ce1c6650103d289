#include <catch2/catch.hpp>

#include "base/log.h"
#include "controller/failed_moves.h"
#include "fake_backend.h"

using namespace ballast;
using namespace ballast::test;
using namespace std::chrono_literals;

namespace {

// An asynchronous hypervisor that accepts each call and refuses it afterwards, as libvirt does on a
// connection that may only read. Domains are to lend 64 MiB.
struct Refusing {
    explicit Refusing(std::size_t domains = 1) : bench(fixed_settings(64 * 1024)) {
        bench.backend.capabilities_.asynchronous = true;
        for (std::size_t i = 0; i < domains; ++i)
            bench.backend.add("g" + std::to_string(i + 1), kGiB);
    }
    void fail(const std::string& domain, const std::string& detail, Constraint constraint) {
        Event event;
        event.kind = EventKind::move_failed;
        event.domain = key_from_name(domain);
        event.detail = detail;
        event.constraint = constraint;
        bench.controller().on_event(event);
    }
    // One second; each call that is made fails before the next.
    SnapshotExchange::Handle tick() {
        auto snapshot = bench.tick();
        for (const Step& step : bench.backend.steps) {
            ++attempts;
            if (refuses) fail(bench.backend.table.name[step.row], words, why);
            if (!refuses) bench.backend.table.loaned_bytes[step.row] = step.loaned_to_bytes;
        }
        bench.backend.steps.clear();
        return snapshot;
    }
    void run(int seconds) {
        for (int i = 0; i < seconds; ++i) tick();
    }
    std::size_t warnings() const {
        return static_cast<std::size_t>(std::count_if(
            lines.begin(), lines.end(),
            [](const std::string& line) { return line.find("was not set") != std::string::npos; }));
    }

    std::vector<std::string> lines;
    log::Redirect redirect{[this](log::Level level, std::string_view line) {
        if (level >= log::Level::warn) lines.emplace_back(line);
    }};
    Bench bench;
    std::string words = "set the balloon: forbidden for read only access";
    Constraint why = Constraint::backend_error;
    bool refuses = true;
    int attempts = 0;
};

}  // namespace

TEST_CASE("a refused move binds the domain, with the hypervisor's words, in every tick") {
    Refusing host;
    host.run(1);
    for (int second = 0; second < 90; ++second) {
        const auto snapshot = host.tick();
        INFO(second);
        CHECK(snapshot->decisions[0].constraint == Constraint::backend_error);
        const std::string text = explain(*snapshot, 0);
        CHECK(text.find("The hypervisor said: " + host.words) != std::string::npos);
        CHECK(text.find("nothing stood in the way") == std::string::npos);
    }
}

TEST_CASE("each way to be refused binds the domain by its own constraint") {
    for (const Constraint why : {Constraint::backend_error, Constraint::no_driver}) {
        Refusing host;
        host.why = why;
        host.run(10);
        CHECK(host.tick()->decisions[0].constraint == why);
    }
    Refusing host;  // a module that does not say why
    host.why = Constraint::none;
    host.run(10);
    CHECK(host.tick()->decisions[0].constraint == Constraint::backend_error);
}

TEST_CASE("a refused move is tried again at growing intervals, a minute at most") {
    Refusing host;
    std::vector<int> tried_at;
    for (int second = 0; second < 300; ++second) {
        const int before = host.attempts;
        host.tick();
        if (host.attempts > before) tried_at.push_back(second);
    }
    REQUIRE(tried_at.size() >= 8);
    CHECK(tried_at.size() <= 12);
    for (std::size_t i = 2; i < tried_at.size(); ++i) {
        CHECK(tried_at[i] - tried_at[i - 1] >= tried_at[i - 1] - tried_at[i - 2]);
        CHECK(tried_at[i] - tried_at[i - 1] <= 62);
    }
}

TEST_CASE("each refused call counts as failed") {
    Refusing host;
    host.run(50);
    const auto snapshot = host.tick();
    CHECK(snapshot->calls.apply_failed == static_cast<std::uint64_t>(host.attempts));
}

TEST_CASE("a refusal is logged once, and again when it changes") {
    Refusing host;
    host.run(100);
    CHECK(host.warnings() == 1);
    host.words = "set the balloon: authentication unavailable";
    host.run(100);
    CHECK(host.warnings() == 2);
}

TEST_CASE("domains that are refused for the same reason share one line") {
    Refusing host(50);
    host.run(100);
    CHECK(host.warnings() == 1);
    CHECK(host.tick()->troubles.size() == 50);
}

TEST_CASE("once the hypervisor obeys, nothing of the refusal is left") {
    Refusing host;
    host.run(40);
    host.refuses = false;
    host.run(70);
    const auto snapshot = host.tick();
    CHECK(snapshot->decisions[0].constraint == Constraint::none);
    CHECK(snapshot->decisions[0].loaned_after_bytes == 64 * kMiB);
    CHECK(snapshot->troubles.empty());
    // The next refusal is a new one.
    host.refuses = true;
    REQUIRE(host.bench.controller().set_attribute("g1", "simulate_loan_target_kb", "1024"));
    host.run(10);
    CHECK(host.warnings() == 2);
}

TEST_CASE("a connection that came back is tried at once") {
    Refusing host;
    host.run(200);
    host.refuses = false;
    host.bench.send(EventKind::backend_back, "");
    host.run(3);
    CHECK(host.tick()->decisions[0].loaned_after_bytes == 64 * kMiB);
}

TEST_CASE("a guest that is short of memory waits for five seconds at most") {
    Settings settings = fixed_settings(64 * 1024);
    settings.guests.surge_below_bytes = 256 * kMiB;
    settings.guests.surge_below_percent = 50;
    Refusing host;
    host.bench.settings = settings;
    host.refuses = false;
    host.run(5);
    host.bench.backend.table.usable_bytes[0] = kMiB;
    host.refuses = true;
    const int before = host.attempts;
    host.run(100);
    CHECK(host.attempts - before >= 15);
    CHECK(host.warnings() == 1);
}

TEST_CASE("a domain that goes takes its failure along") {
    FailureTexts texts;
    const DomainKey a = key_from_name("a");
    const DomainKey b = key_from_name("b");
    CHECK(texts.set(a, "no"));
    CHECK_FALSE(texts.set(a, "no"));
    CHECK_FALSE(texts.set(b, "no"));
    texts.keep_only([](const DomainKey&) { return false; });
    CHECK(texts.empty());
    CHECK(texts.of(a).empty());
    CHECK(texts.set(b, "no"));
}

TEST_CASE("after a refused move and an OOM, what others set is seen as theirs") {
    Refusing host;
    host.bench.tick();
    REQUIRE(host.bench.backend.steps.size() == 1);
    host.bench.backend.steps.clear();
    host.bench.send(EventKind::oom, "g1");
    host.why = Constraint::stuck;
    host.fail("g1", host.words, host.why);
    REQUIRE(host.bench.controller().set_attribute("g1", "simulate_loan_target_kb", "0"));
    host.run(5);
    CHECK(host.attempts == 0);
    host.bench.backend.table.loaned_bytes[0] = 128 * kMiB;
    host.run(5);
    CHECK(host.bench.controller().lent_bytes() == 0);
}
