// The daemon's HTTP side: metrics, health and read paths on TCP, the whole API on a Unix socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "config/settings.h"
#include "controller/backend_admin.h"
#include "controller/loop.h"
#include "controller/probe_status.h"
#include "controller/snapshot_exchange.h"

namespace ballast {

struct HttpOptions {
    // Use the sockets systemd passed (the Unix stream socket as the API's, the TCP one for http)
    // in place of those in ListenSettings; what systemd did not pass is opened as configured.
    bool socket_activation = false;
    // Where the event bus is now; empty: there is none. Any thread.
    std::function<std::string()> bus_path = [] { return std::string(); };
};

// Serves until stopped or destroyed. Requests run on threads of the service's own, which inherit
// the signal mask of the thread that called start_http.
class HttpService {
  public:
    HttpService(const HttpService&) = delete;
    HttpService& operator=(const HttpService&) = delete;
    // Stops.
    ~HttpService();

    // Closes the listeners, removes the Unix socket it made and waits for running requests (a
    // request that waits for the loop ends once the loop stops, or after 10 s). Idempotent.
    void stop() noexcept;

    // metrics.max_domains from now on. Any thread.
    void set_max_domains(std::uint64_t max_domains) noexcept;

    // The TCP port in use, 0 if there is none; tells what port 0 became.
    std::uint16_t tcp_port() const noexcept;

  private:
    friend Result<std::unique_ptr<HttpService>> start_http(
        const ListenSettings&, const MetricsSettings&, Loop&, const SnapshotExchange&,
        const OperatorViews&, BackendAdmin&, const ProbeStatus&, const Clock&, HttpOptions);
    struct State;
    explicit HttpService(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

// Opens the configured listeners and serves. Everything by reference outlives the service. Either
// listener may be empty (off). Errors: invalid_argument (an address, path or group that is wrong),
// busy (someone else listens there), refused (the path is not a socket), io.
Result<std::unique_ptr<HttpService>> start_http(const ListenSettings& listen,
                                                const MetricsSettings& metrics, Loop& loop,
                                                const SnapshotExchange& snapshots,
                                                const OperatorViews& views, BackendAdmin& backends,
                                                const ProbeStatus& probe, const Clock& clock,
                                                HttpOptions options = {});

}  // namespace ballast
