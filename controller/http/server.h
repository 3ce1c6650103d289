// One listening socket served over HTTP/1.1. The only file that knows the HTTP library.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/result.h"
#include "controller/http/message.h"
#include "controller/http/peer.h"
#include "controller/http/sockets.h"

namespace ballast {

class Server {
  public:
    using Handler = std::function<Response(const Request&)>;

    // Bounds of what peers can take up.
    static constexpr unsigned kMaxConnections = 64;
    static constexpr unsigned kIdleTimeoutSeconds = 15;
    static constexpr std::size_t kMaxHeaderBytes = 32 * 1024;
    static constexpr std::size_t kMaxBodyBytes = 64 * 1024;

    // Serves `listener` until destroyed; one thread a connection calls `handler`, which must not
    // throw. `rule` decides who may write and is given exactly for Unix sockets. Error: io.
    static Result<std::unique_ptr<Server>> start(Fd listener, std::optional<WriteRule> rule,
                                                 Handler handler);

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
