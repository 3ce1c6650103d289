// A connection of one thread's own, for calls that may not return for long: whatever waits there
// holds up nobody else. libvirtd answers only few calls of one connection at a time.
#pragma once

#include <string>
#include <utility>

#include "hv_backends/libvirt/connection.h"

namespace ballast {

// One thread.
class WorkerConnection {
  public:
    explicit WorkerConnection(std::string uri) : uri_(std::move(uri)) {}

    // Opens it where there is none that lives. Blocks as open_connection(); errors: its.
    Result<virConnectPtr> get() {
        if (connection_ != nullptr && virConnectIsAlive(connection_.get()) == 1)
            return connection_.get();
        connection_.reset();
        auto opened = open_connection(uri_);
        if (!opened) return Failure(opened.error());
        connection_ = std::move(*opened);
        return connection_.get();
    }

  private:
    std::string uri_;
    ConnectHandle connection_;
};

}  // namespace ballast
