// A hand-made snapshot and a control that records what it is asked.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "bus/writer.h"
#include "controller/http/api.h"
#include "controller/http/control.h"
#include "controller/snapshot_exchange.h"
#include "temp_dir.h"
#include "tests/unit/probe/made_finding.h"

namespace ballast::test {

class ManualClock final : public Clock {
  public:
    Time now() const noexcept override { return at; }
    WallTime wall_now() const noexcept override { return WallTime(std::chrono::seconds(0)); }
    Time at{std::chrono::hours(1)};
};

// Knows the attributes of `attributes`, by "domain/attribute"; refuses the read-only ones.
class FakeControl final : public Control {
  public:
    Result<std::string> get_attribute(const std::string& domain,
                                      const std::string& attribute) const override {
        const auto found = attributes.find(domain + "/" + attribute);
        if (found == attributes.end()) return fail(Errc::not_found, "no attribute " + attribute);
        return found->second;
    }
    Result<Change> set_attribute(const std::string& domain, const std::string& attribute,
                                 const std::string& value) override {
        if (broken) return Failure(*broken);
        if (attribute == "loaned_kb") return fail(Errc::refused, "loaned_kb is read-only", EACCES);
        log.push_back("set " + domain + " " + attribute + "=" + value);
        return Change{std::exchange(attributes[domain + "/" + attribute], value), value};
    }
    Result<Change> disable(const std::string& domain, bool disabled) override {
        if (broken) return Failure(*broken);
        if (domain == "ghost") return fail(Errc::not_found, "no domain 'ghost'");
        log.push_back((disabled ? "disable " : "enable ") + domain);
        return Change{"0", disabled ? "1" : "0"};
    }
    Result<Change> release(const std::string& domain) override {
        if (broken) return Failure(*broken);
        log.push_back("release " + domain);
        return Change{"1024", "0"};
    }

    Result<std::uint64_t> reserve(std::uint64_t bytes, const std::string& domain,
                                  Duration expires) override {
        if (broken) return Failure(*broken);
        log.push_back("reserve " + std::to_string(bytes) + " for '" + domain + "' " +
                      format_duration(expires));
        return 3;
    }
    Result<Reservation> cancel_reservation(std::uint64_t id) override {
        if (id != 3) return fail(Errc::not_found, "no reservation " + std::to_string(id));
        log.push_back("cancel " + std::to_string(id));
        return Reservation{.id = id, .bytes = kGiB, .domain = "db-1"};
    }

    ReservationList reservations() const override { return reserved; }

    bool stopping() const noexcept override { return is_stopping; }

    bool is_stopping = false;
    std::map<std::string, std::string> attributes{{"/min_mem_mb", "256"},
                                                  {"db-1/min_mem_mb", "4096"}};
    std::vector<std::string> log;
    ReservationList reserved;
    std::optional<Error> broken;
};

// Two domains, one tick; the second one's name needs encoding everywhere.
inline const std::string kOddName = "a/b \"c\"\\\n\xc3\xa9?&=%{}";

inline void fill(Snapshot& snapshot) {
    snapshot = Snapshot{};
    snapshot.tick.number = 7;
    snapshot.tick.at = Time(std::chrono::hours(1));
    snapshot.tick.wall = WallTime(std::chrono::milliseconds(1'700'000'000'123));
    snapshot.tick.took = std::chrono::microseconds(250);
    snapshot.tick.late = std::chrono::milliseconds(2);
    snapshot.tick.events = 4;
    snapshot.tick.ooms = 5;
    snapshot.tick.oom_returned_bytes = 48 * kMiB;
    snapshot.reserve_bytes = kGiB;
    snapshot.host = {};
    snapshot.host.total_bytes = 64 * kGiB;
    snapshot.host.available_bytes = 10 * kGiB;
    snapshot.host.nodes = {{0, 40 * kGiB, 4 * kGiB, 8 * kGiB}, {3, 24 * kGiB, kGiB, kUnknownBytes}};
    snapshot.backend_up = true;
    snapshot.backend_name = "mock";
    snapshot.policy_name = "cmm";
    snapshot.delay = std::chrono::seconds(1);
    snapshot.calls.observe_ok = 7;
    snapshot.calls.apply_done = 3;
    snapshot.calls.apply_refused = 1;
    snapshot.tick_histogram.counts[3] = 6;  // up to 0.5 ms
    snapshot.tick_histogram.counts[12] = 1;
    snapshot.tick_histogram.sum_seconds = 7.5;
    auto names = std::make_shared<DomainNames>();
    names->name = {"db-1", kOddName};
    names->key = {key_from_name("db-1"), key_from_name(kOddName)};
    snapshot.names = names;
    Decision db;
    db.total_bytes = 8 * kGiB;
    db.min_mem_bytes = 4 * kGiB;
    db.request_bytes = 6 * static_cast<std::int64_t>(kGiB);
    db.loaned_before_bytes = 3 * kGiB;
    db.decided_bytes = 4 * kGiB;
    db.loan_target_bytes = 4 * kGiB;
    db.loaned_after_bytes = 4 * kGiB;
    db.constraint = Constraint::min_mem;
    db.flags = DomainFlags::deflate_on_oom;
    db.inflated_total_bytes = 5 * kGiB;
    db.deflated_total_bytes = kGiB;
    db.ooms_total = 2;
    db.unused_bytes = 100 * kMiB;
    Decision odd;
    odd.total_bytes = kGiB;
    odd.oom_freed_bytes = 16 * kMiB;
    odd.constraint = Constraint::backend_error;
    odd.outcome = StepStatus::refused;
    odd.flags = DomainFlags::paused | DomainFlags::migrating;
    odd.disabled = true;
    odd.page_shift = 16;
    odd.node_mask = (std::uint64_t{1} << 63U) | 1U;
    snapshot.decisions = {db, odd};
    snapshot.gone_inflated_bytes = 3 * kMiB;
    snapshot.gone_deflated_bytes = 2 * kMiB;
    snapshot.troubles = {{1, "the hypervisor said no"}};
}

// Knows the backends of `known`; loads and unloads by name.
class FakeBackends final : public BackendAdmin {
  public:
    FakeBackends() {
        ModuleInfo info;
        info.name = "libvirt";
        info.kind = "libvirt";
        info.version = "1.2.3";
        info.state = ModuleState::live;
        info.users = 1;
        info.in_charge = true;
        info.generation = 1;
        info.scheme = "percpu";
        known.push_back(info);
    }
    std::vector<ModuleInfo> list() const override { return known; }
    Counts counts() const override { return {3, 2}; }
    Result<void> load(const std::string& name, const std::string& path) override {
        if (path == "/missing.so") return fail(Errc::not_found, "/missing.so", ENOENT);
        log.push_back("load " + name + " " + path);
        return {};
    }
    Result<void> unload(const UnloadRequest& request) override {
        if (request.name == "ghost") return fail(Errc::not_found, "no backend");
        if (request.mode == UnloadRequest::Mode::nonblock)
            return fail(Errc::refused, "in use by 1", EWOULDBLOCK);
        log.push_back("unload " + request.name + " " + format_duration(request.patience) +
                      (request.mode == UnloadRequest::Mode::force ? " force" : " wait") +
                      (request.keep_loans ? " keep" : " return"));
        return {};
    }
    Result<void> lockdown(const std::string& name) override {
        log.push_back("lockdown " + name);
        return {};
    }
    std::vector<ModuleInfo> known;
    std::vector<std::string> log;
};

// A survey of two schemes, one of which is too noisy with two readers.
inline ProbeReport probe_report() {
    ProbeReport report;
    report.enabled = true;
    report.surveys = 1;
    report.finished = WallTime(std::chrono::seconds(1'700'000'000));
    report.kept = 20;
    report.thrown_away = 3;
    report.cpu_time = std::chrono::milliseconds(1500);
    report.rows = probe::rows_of(
        {made_finding("empty", 1, {0.5, 0.5, 0.5}), made_finding("rcu", 1, {2, 2, 2}),
         made_finding("rcu", 2, {1, 50, 100}), made_finding("rcu", 0, {500, 500, 500})},
        3);
    report.choices = {probe::choose({.name = "module_refs",
                                     .needs = probe::needs_of_ballast(),
                                     .offers = probe::module_offers(),
                                     .reads_per_s = 1,
                                     .updates_per_s = 1},
                                    probe::typical_costs())};
    return report;
}

// Answers what the test puts into it.
class FakeProbe final : public ProbeStatus {
  public:
    ProbeReport report() const override { return found; }
    ProbeReport found;
};

struct ApiFixture {
    SnapshotExchange snapshots;
    FakeControl control;
    FakeBackends backends;
    FakeProbe probe;
    ManualClock clock;
    TempDir folder;
    std::string bus_path = folder.path("events");
    std::unique_ptr<BusWriter> bus = *BusWriter::create(bus_path, {.slot_count = 64}, clock);
    Api api{snapshots,
            control,
            backends,
            probe,
            clock,
            [] { return std::string("ballast_fake 1\n"); },
            [this] { return bus_path; }};

    void publish() {
        fill(*snapshots.begin());
        snapshots.publish();
    }
    // Both domains are called "web", on two hosts.
    void publish_two_hosts() {
        Snapshot& snapshot = *snapshots.begin();
        fill(snapshot);
        snapshot.names = std::make_shared<DomainNames>(DomainNames{
            {key_from_name("one"), key_from_name("two")}, {"web", "web"}, {"alpha", "beta"}});
        snapshots.publish();
    }
    Response send(std::string method, std::string target, std::string body = "",
                  std::string last_event_id = "") const {
        return api.handle({std::move(method),
                           std::move(target),
                           std::move(body),
                           Transport::unix_socket,
                           {true, ""},
                           std::move(last_event_id)});
    }
    nlohmann::json json(std::string method, std::string target, std::string body = "") const {
        return nlohmann::json::parse(
            send(std::move(method), std::move(target), std::move(body)).body);
    }
};

}  // namespace ballast::test
