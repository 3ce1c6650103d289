// A request and its response, free of the HTTP library.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

namespace ballast {

enum class Transport { tcp, unix_socket };

// Whether the peer may change things, and why not.
struct WriteAccess {
    bool allowed = false;
    std::string reason;  // for people; empty when allowed
};

// Who is at the other end of a Unix socket, as the kernel saw them when they connected.
struct PeerIdentity {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
};

struct Request {
    std::string method;  // "GET"
    std::string target;  // as sent: percent-encoded path and query
    std::string body;
    Transport transport = Transport::tcp;
    WriteAccess write;
    std::string last_event_id = {};         // the header of that name; empty: none
    std::optional<PeerIdentity> peer = {};  // nothing over TCP
};

struct Response {
    int status = 200;
    std::string content_type;
    std::string body;
    std::string allow;  // the Allow header; empty = none
    // Where it is set, the body comes from it: called again and again on the connection's thread
    // until it answers false, it appends what is to be sent next. Blocks for a quarter of a second
    // at most, so that the server can stop.
    std::function<bool(std::string& into)> stream = {};
};

}  // namespace ballast
