// A request and its response, free of the HTTP library.
#pragma once

#include <string>

namespace ballast {

enum class Transport { tcp, unix_socket };

// Whether the peer may change things, and why not.
struct WriteAccess {
    bool allowed = false;
    std::string reason;  // for people; empty when allowed
};

struct Request {
    std::string method;  // "GET"
    std::string target;  // as sent: percent-encoded path and query
    std::string body;
    Transport transport = Transport::tcp;
    WriteAccess write;
};

struct Response {
    int status = 200;
    std::string content_type;
    std::string body;
    std::string allow;  // the Allow header; empty = none
};

}  // namespace ballast
