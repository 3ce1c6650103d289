// One listening socket served over HTTP/1.1. The only file that knows the HTTP library.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "controller/http/host_rule.h"
#include "controller/http/message.h"
#include "controller/http/peer.h"
#include "controller/http/sockets.h"

namespace ballast {

class Server {
  public:
    using Handler = std::function<Response(const Request&)>;

    // Bounds of what peers can take up; ConnectionTable::longest has those of time.
    // With those that were cut and whose threads have not ended yet; more are closed unheard.
    static constexpr unsigned kMaxConnections = 256;
    static constexpr unsigned kMaxTcpConnections = 48;
    // On a Unix socket: of those who may only read, with those who may write, with root.
    static constexpr unsigned kMaxReaders = 32;
    static constexpr unsigned kMaxWriters = 48;
    static constexpr unsigned kMaxLocal = 56;
    static constexpr unsigned kIdleTimeoutSeconds = 15;
    static constexpr std::size_t kMaxHeaderBytes = 32 * 1024;
    static constexpr std::size_t kMaxBodyBytes = 64 * 1024;

    // Serves `listener` until destroyed; one thread a connection calls `handler`, which must not
    // throw. `rule` decides who may write and is given exactly for Unix sockets; `hosts` holds for
    // TCP. `clock` outlives it and is read on any thread. Error: io.
    static Result<std::unique_ptr<Server>> start(Fd listener, std::optional<WriteRule> rule,
                                                 HostRule hosts, Handler handler,
                                                 const Clock& clock);

    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    // Stops listening, closes connections and waits for running handlers.
    ~Server();

  private:
    struct State;
    explicit Server(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace ballast
