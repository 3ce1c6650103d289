// The whole service over real sockets, with a real controller and loop behind it.
#include "controller/http/http_service.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "controller/http/control.h"
#include "http_client.h"
#include "http_fixture.h"
#include "temp_dir.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// One domain of 1 GiB that lends what it is asked for.
class OneDomain final : public Backend {
  public:
    OneDomain() {
        capabilities_.name = "one";
        capabilities_.reports_requests = true;
    }
    const Capabilities& capabilities() const noexcept override { return capabilities_; }
    Result<void> start(EventSink&) override { return {}; }
    void stop() noexcept override {}
    Result<void> observe(Observation& into) override {
        DomainTable& table = into.domains;
        if (table.size() == 0) {
            table.resize(1);
            table.membership = 1;
            table.key[0] = key_from_name("only one");
            table.name[0] = "only one";
            table.page_shift[0] = 12;
            table.total_bytes[0] = kGiB;
        }
        table.loaned_bytes[0] = loaned_bytes_;
        into.host.total_bytes = 4 * kGiB;
        into.host.available_bytes = kGiB;
        return {};
    }
    StepOutcome apply(const Step& step) noexcept override {
        loaned_bytes_ = step.loaned_to_bytes;
        return {StepStatus::done, loaned_bytes_, Constraint::none, ""};
    }
    void set_guest_tunables(const DomainKey&, const GuestTunables&) override {}

  private:
    Capabilities capabilities_;
    std::uint64_t loaned_bytes_ = 0;
};

class RunningDaemon {
  public:
    FakeBackends backends;
    FakeProbe probe;
    RunningDaemon() {
        listen.http = "127.0.0.1:0";
        listen.api = folder.path("api.sock");
        settings.cmm.delay = std::chrono::milliseconds(10);
        settings.cmm.simulate = true;
        settings.cmm.simulate_loan_target_kb = 0;
        settings.policy.name = "fixed";
        controller = std::make_unique<Controller>(settings, backend, clock);
        REQUIRE(backend.start(*controller));
        loop = std::make_unique<Loop>(*controller, backend, clock);
        auto started = start_http(listen, settings.metrics, *loop, controller->snapshots(),
                                  controller->operator_views(), backends, probe, clock);
        REQUIRE(started);
        http = std::move(*started);
    }
    ~RunningDaemon() {
        loop->stop();
        if (thread.joinable()) thread.join();
    }
    // Returns once the loop has ticked.
    void run() {
        std::promise<void> ticked;
        thread = std::thread([this, &ticked] {
            Loop::Hooks hooks;
            bool first = true;
            hooks.after_tick = [&first, &ticked] {
                if (std::exchange(first, false)) ticked.set_value();
            };
            loop->run(hooks);
        });
        ticked.get_future().wait();
    }
    std::string over_tcp(const std::string& line, const std::string& body = "") const {
        return RawClient(http->tcp_port()).ask(line, body);
    }
    std::string over_unix(const std::string& line, const std::string& body = "") const {
        return RawClient(listen.api).ask(line, body);
    }

    TempDir folder;
    ListenSettings listen;
    Settings settings;
    SystemClock clock;
    OneDomain backend;
    std::unique_ptr<Controller> controller;
    std::unique_ptr<Loop> loop;
    std::unique_ptr<HttpService> http;
    std::thread thread;
};

}  // namespace

TEST_CASE("the service is healthy at once and ready after the first observation") {
    RunningDaemon daemon;
    CHECK(status_of(daemon.over_tcp("GET /healthz")) == 200);
    CHECK(status_of(daemon.over_tcp("GET /readyz")) == 503);
    daemon.run();
    CHECK(status_of(daemon.over_tcp("GET /readyz")) == 200);
    CHECK(body_of(daemon.over_tcp("GET /metrics"))
              .find("ballast_domain_memory_bytes{domain=\"only one\",uuid=") != std::string::npos);
}

TEST_CASE("an attribute set over the Unix socket reads back over TCP") {
    RunningDaemon daemon;
    daemon.run();
    const std::string path = "/api/v1/domains/only%20one/attributes/simulate_loan_target_kb";
    CHECK(status_of(daemon.over_tcp("PUT " + path, R"({"value":"1024"})")) == 403);
    CHECK(status_of(daemon.over_unix("PUT " + path, R"({"value":"1024"})")) == 200);
    const auto read = nlohmann::json::parse(body_of(daemon.over_tcp("GET " + path)));
    CHECK(read["value"] == "1024");
}

TEST_CASE("the controller's refusals come through with their errno") {
    RunningDaemon daemon;
    daemon.run();
    const std::string answer = daemon.over_unix(
        "PUT /api/v1/domains/only%20one/attributes/oom_freed_kb", R"({"value":"1"})");
    CHECK(status_of(answer) == 409);
    CHECK(nlohmann::json::parse(body_of(answer))["error"]["errno_name"] == "EBADMSG");
    CHECK(status_of(daemon.over_unix("POST /api/v1/disable", R"({"domain":"ghost"})")) == 404);
}

TEST_CASE("disable is seen by the next snapshot") {
    RunningDaemon daemon;
    daemon.run();
    CHECK(status_of(daemon.over_unix("POST /api/v1/disable", R"({"domain":"only one"})")) == 200);
    const auto read = nlohmann::json::parse(
        body_of(daemon.over_tcp("GET /api/v1/domains/only%20one/attributes/disable")));
    CHECK(read["value"] == "1");
}

TEST_CASE("every attribute reads the same without the loop as from it") {
    RunningDaemon daemon;
    DomainOverride special;
    special.pattern = "only*";
    special.min_mem_mb = 128;
    daemon.settings.domains.push_back(special);
    daemon.controller->reconfigure(daemon.settings);
    daemon.run();
    daemon.loop->stop();
    daemon.thread.join();
    auto& controller = *daemon.controller;
    const LoopControl control(*daemon.loop, controller.operator_views(), std::chrono::seconds(1));
    REQUIRE(controller.set_attribute("only one", "simulate_loan_target_kb", "2048"));
    REQUIRE(controller.set_attribute("", "oom_kb", "77"));
    REQUIRE(controller.set_attribute("", "delay", "3"));
    for (const char* attribute :
         {"delay", "hotplug_delay", "oom_kb", "min_mem_mb", "debug", "simulate", "disable",
          "loaned_kb", "loaned_target_kb", "oom_freed_kb", "simulate_loan_target_kb"})
        for (const char* domain : {"", "only one"}) {
            CAPTURE(attribute, domain);
            const auto read = control.get_attribute(domain, attribute);
            REQUIRE(read);
            CHECK(*read == *controller.get_attribute(domain, attribute));
        }
    CHECK(*control.get_attribute("only one", "min_mem_mb") == "128");
    CHECK(*control.get_attribute("", "min_mem_mb") == "256");
    CHECK(*control.get_attribute("only one", "simulate_loan_target_kb") == "2048");
    CHECK(*control.get_attribute("", "oom_kb") == "77");
    CHECK(*control.get_attribute("", "delay") == "3");
    CHECK(control.get_attribute("ghost", "oom_kb").error().code == Errc::not_found);
    CHECK(control.get_attribute("", "ghost").error().code == Errc::not_found);
}

TEST_CASE("a loop that hangs keeps nobody from reading") {
    RunningDaemon daemon;  // its loop does not run
    std::vector<std::thread> writers;
    for (int i = 0; i < LoopControl::kMaxWaiting; ++i)
        writers.emplace_back([&] { daemon.over_unix("POST /api/v1/disable"); });
    while (status_of(daemon.over_unix("POST /api/v1/disable")) != 503) std::this_thread::yield();
    CHECK(status_of(daemon.over_tcp("GET /api/v1/attributes/delay")) == 200);
    CHECK(status_of(daemon.over_tcp("GET /api/v1/reservations")) == 200);
    daemon.run();
    for (std::thread& writer : writers) writer.join();
}

TEST_CASE("a loop that has stopped answers unavailable, not nothing") {
    RunningDaemon daemon;
    daemon.run();
    daemon.loop->stop();
    daemon.thread.join();
    CHECK(status_of(daemon.over_unix("POST /api/v1/disable")) == 503);
    // What reads needs no loop.
    CHECK(status_of(daemon.over_tcp("GET /api/v1/attributes/delay")) == 200);
    CHECK(status_of(daemon.over_tcp("GET /api/v1/reservations")) == 200);
    CHECK(status_of(daemon.over_tcp("GET /api/v1/status")) == 200);
}

TEST_CASE("stopping the service removes its socket and frees its port") {
    RunningDaemon daemon;
    const std::string port = std::to_string(daemon.http->tcp_port());
    daemon.http->stop();
    CHECK_THROWS(RawClient(daemon.listen.api));
    CHECK(listen_tcp("127.0.0.1:" + port));
}

TEST_CASE("a second service on the same socket is refused, and says where") {
    RunningDaemon daemon;
    ListenSettings listen = daemon.listen;
    auto second = start_http(listen, daemon.settings.metrics, *daemon.loop,
                             daemon.controller->snapshots(), daemon.controller->operator_views(),
                             daemon.backends, daemon.probe, daemon.clock);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::busy);
    CHECK(second.error().context.starts_with("listen.api: "));
    listen.api.clear();
    listen.http.clear();
    CHECK(start_http(listen, daemon.settings.metrics, *daemon.loop, daemon.controller->snapshots(),
                     daemon.controller->operator_views(), daemon.backends, daemon.probe,
                     daemon.clock));
}

TEST_CASE("a group that does not exist is refused") {
    RunningDaemon daemon;
    ListenSettings listen;
    listen.http.clear();
    listen.api = daemon.folder.path("other.sock");
    listen.api_group = "no-such-group-here";
    const auto started = start_http(
        listen, daemon.settings.metrics, *daemon.loop, daemon.controller->snapshots(),
        daemon.controller->operator_views(), daemon.backends, daemon.probe, daemon.clock);
    REQUIRE_FALSE(started);
    CHECK(started.error().code == Errc::invalid_argument);
}

TEST_CASE("only so many requests wait for the loop") {
    SystemClock clock;
    OneDomain backend;
    Controller controller(Settings{}, backend, clock);
    Loop loop(controller, backend, clock);  // does not run yet: every caller waits
    LoopControl control(loop, controller.operator_views(), std::chrono::seconds(60));
    std::vector<std::thread> callers;
    std::atomic<int> busy{0};
    std::atomic<int> other{0};
    for (int i = 0; i < LoopControl::kMaxWaiting + 3; ++i)
        callers.emplace_back([&] {
            const auto released = control.release("");
            (!released && released.error().code == Errc::busy ? busy : other) += 1;
        });
    while (busy < 3) std::this_thread::yield();
    CHECK(other == 0);
    loop.stop();
    loop.run(Loop::Hooks{});
    for (std::thread& caller : callers) caller.join();
    CHECK(busy == 3);
    CHECK(other == LoopControl::kMaxWaiting);
}
