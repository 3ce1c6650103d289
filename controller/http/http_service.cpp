#include "controller/http/http_service.h"

#include <optional>
#include <utility>

#include "controller/http/api.h"
#include "controller/http/control.h"
#include "controller/http/metrics.h"
#include "controller/http/server.h"
#include "controller/http/sockets.h"

namespace ballast {
namespace {

constexpr Duration kCommandTimeout = std::chrono::seconds(10);

}  // namespace

struct HttpService::State {
    const Clock& clock;
    Metrics metrics;
    LoopControl control;
    Api api;
    std::uint16_t port = 0;
    SocketFile socket_file;
    // Last, so that no request runs when the rest goes.
    std::unique_ptr<Server> tcp;
    std::unique_ptr<Server> unix_socket;

    State(const MetricsSettings& settings, Loop& loop, const SnapshotExchange& snapshots,
          const OperatorViews& views, BackendAdmin& backends, const ProbeStatus& probe,
          const Clock& time, std::function<std::string()> bus_path)
        : clock(time),
          metrics(snapshots, backends, probe, settings.max_domains, bus_path),
          control(loop, views, kCommandTimeout),
          api(
              snapshots, control, backends, probe, clock, [this] { return metrics.text(); },
              std::move(bus_path)) {}

    Server::Handler handler() {
        return [this](const Request& request) { return api.handle(request); };
    }

    Result<void> serve_tcp(const ListenSettings& listen, Fd activated) {
        if (!activated) {
            if (listen.http.empty()) return {};
            auto listening = listen_tcp(listen.http);
            if (!listening) return with_context(listening.error(), "listen.http");
            activated = std::move(*listening);
        }
        port = port_of(activated.get());
        auto started = Server::start(std::move(activated), std::nullopt,
                                     HostRule(listen.host_names), handler(), clock);
        if (!started) return with_context(started.error(), "listen.http");
        tcp = std::move(*started);
        return {};
    }

    Result<void> serve_unix(const ListenSettings& listen, Fd activated) {
        if (!activated && listen.api.empty()) return {};
        auto rule = make_write_rule(listen.api_group);
        if (!rule) return with_context(rule.error(), "listen.api_group");
        if (!activated) {
            auto listening = listen_unix(listen.api, rule->group);
            if (!listening) return with_context(listening.error(), "listen.api");
            activated = std::move(listening->fd);
            socket_file = std::move(listening->file);
        }
        auto started =
            Server::start(std::move(activated), std::move(*rule), HostRule(), handler(), clock);
        if (!started) return with_context(started.error(), "listen.api");
        unix_socket = std::move(*started);
        return {};
    }
};

HttpService::HttpService(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpService::~HttpService() {
    stop();
}

void HttpService::stop() noexcept {
    state_->socket_file.remove();
    state_->unix_socket.reset();
    state_->tcp.reset();
}

void HttpService::set_max_domains(std::uint64_t max_domains) noexcept {
    state_->metrics.set_max_domains(max_domains);
}

std::uint16_t HttpService::tcp_port() const noexcept {
    return state_->port;
}

Result<std::unique_ptr<HttpService>> start_http(const ListenSettings& listen,
                                                const MetricsSettings& metrics, Loop& loop,
                                                const SnapshotExchange& snapshots,
                                                const OperatorViews& views, BackendAdmin& backends,
                                                const ProbeStatus& probe, const Clock& clock,
                                                HttpOptions options) {
    ActivatedSockets activated;
    if (options.socket_activation) {
        auto taken = take_activated_sockets();
        if (!taken) return Failure(taken.error());
        activated = std::move(*taken);
    }
    auto state = std::make_unique<HttpService::State>(metrics, loop, snapshots, views, backends,
                                                      probe, clock, std::move(options.bus_path));
    if (auto served = state->serve_tcp(listen, std::move(activated.tcp)); !served)
        return Failure(served.error());
    if (auto served = state->serve_unix(listen, std::move(activated.unix_socket)); !served)
        return Failure(served.error());
    return std::unique_ptr<HttpService>(new HttpService(std::move(state)));
}

}  // namespace ballast
