// One request to the daemon and its answer. Abstract so that commands can be tested without one.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "ctl/exit_status.h"

namespace ballast::ctl {

struct HttpAnswer {
    int status = 0;
    std::string body;
};

class Transport {
  public:
    virtual ~Transport() = default;
    // Blocks for at most `patience`. Fails (unreachable) only if no answer came.
    virtual tl::expected<HttpAnswer, CommandFailure> send(const std::string& method,
                                                          const std::string& target,
                                                          const std::string& body,
                                                          std::chrono::milliseconds patience) = 0;
};

// Over the Unix socket at `socket_path`. Opens nothing yet.
std::unique_ptr<Transport> make_socket_transport(const std::string& socket_path);

// Percent-encodes one segment of a path.
std::string encode_segment(const std::string& segment);

}  // namespace ballast::ctl
