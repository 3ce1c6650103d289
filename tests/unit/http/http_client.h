// A client that can also misbehave: it sends bytes and reads until the server closes.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <string>

#include "controller/http/sockets.h"

namespace ballast::test {

class RawClient {
  public:
    explicit RawClient(const std::string& unix_path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, unix_path.c_str(), sizeof(address.sun_path) - 1);
        open(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    }
    explicit RawClient(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        open(AF_INET, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    }

    // False once the server has closed.
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void finish_sending() const { ::shutdown(fd_.get(), SHUT_WR); }
    // What has come, or empty: the server has closed.
    std::string read_some() const {
        char part[4096];
        const ssize_t size = ::recv(fd_.get(), part, sizeof(part), 0);
        return {part, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
    }
    // True once the server has closed, without anything sent.
    bool is_closed_within(std::chrono::milliseconds patience) const {
        pollfd wanted{fd_.get(), POLLIN, 0};
        char byte = 0;
        return ::poll(&wanted, 1, static_cast<int>(patience.count())) > 0 &&
               ::recv(fd_.get(), &byte, 1, 0) <= 0;
    }
    std::string read_all() const {
        std::string all;
        for (std::string part; !(part = read_some()).empty();) all += part;
        return all;
    }
    // One request on a connection that closes after it.
    std::string ask(const std::string& line, const std::string& body = "",
                    const std::string& host = "localhost") const {
        send(line + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body);
        return read_all();
    }

  private:
    void open(int family, const sockaddr* address, socklen_t size) {
        fd_ = Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const timeval patience{30, 0};  // a server that hangs fails the test, not the run
        ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        if (::connect(fd_.get(), address, size) != 0) throw std::runtime_error("connect");
    }
    Fd fd_;
};

inline int status_of(const std::string& answer) {
    return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}

inline std::string body_of(const std::string& answer) {
    const auto end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "" : answer.substr(end + 4);
}

}  // namespace ballast::test
