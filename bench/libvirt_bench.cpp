// A whole tick over real domains, beside the one bulk call that it cannot do without. Needs a
// libvirtd: $BALLAST_BENCH_URI names it, and without that there is nothing to measure.
#include <fmt/format.h>
#include <libvirt/libvirt.h>

#include <chrono>
#include <cstdlib>
#include <memory>

#include "base/clock.h"
#include "bench/side_by_side.h"
#include "controller/controller.h"
#include "hv_backends/libvirt/connection.h"
#include "hv_backends/libvirt/libvirt_backend.h"

namespace ballast::bench {
namespace {

constexpr int kCallsInAWindow = 20;
constexpr unsigned kGroups = VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_BALLOON;
constexpr unsigned kWhich =
    VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT;

[[noreturn]] void give_up(const std::string& why) {
    fmt::print(stderr, "ballast-bench: {}\n", why);
    std::exit(1);
}

struct Host {
    explicit Host(const std::string& uri)
        : backend(make_libvirt_backend({.uri = uri}, clock)),
          controller(settings, *backend, clock) {
        if (auto started = backend->start(controller); !started) give_up(started.error().message());
        for (int i = 0; i < 3; ++i) controller.tick(clock.now());  // everybody is known
    }
    ~Host() { backend->stop(); }
    static Settings fixed() {
        Settings settings;
        settings.policy.name = "fixed";
        return settings;
    }
    SystemClock clock;
    Settings settings = fixed();
    std::unique_ptr<Backend> backend;
    Controller controller;
};

// Both wait for libvirtd: a thread that is switched out is no sign of a window that is not clean.
std::function<double()> waiting(std::function<void()> call) {
    return [call = std::move(call)] {
        const SystemClock clock;
        const Time begun = clock.now();
        for (int i = 0; i < kCallsInAWindow; ++i) call();
        const std::chrono::duration<double, std::nano> took = clock.now() - begun;
        return took.count() / kCallsInAWindow;
    };
}

Case tick_case(const std::string& uri) {
    auto host = std::make_shared<Host>(uri);
    auto opened = open_connection(uri);
    if (!opened) give_up(opened.error().message());
    const std::shared_ptr<virConnect> connection = std::move(*opened);
    return {"libvirt.tick", "bulk call", "ns/tick",
            waiting([host] { host->controller.tick(host->clock.now()); }), waiting([connection] {
                virDomainStatsRecordPtr* records = nullptr;
                if (virConnectGetAllDomainStats(connection.get(), kGroups, &records, kWhich) < 0)
                    give_up("the bulk call failed");
                virDomainStatsRecordListFree(records);
            })};
}

}  // namespace

std::vector<NamedCase> libvirt_cases() {
    const char* const uri = std::getenv("BALLAST_BENCH_URI");
    if (uri == nullptr) return {};
    return {{"libvirt.tick", [uri = std::string(uri)] { return tick_case(uri); }}};
}

}  // namespace ballast::bench
