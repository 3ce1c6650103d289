#include "controller/http/sockets.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace ballast {
namespace {

constexpr int kBacklog = 128;
constexpr mode_t kSocketMode = 0660;

Result<void> bind_and_listen(int fd, const sockaddr* address, socklen_t size,
                             const std::string& name) {
    if (::bind(fd, address, size) != 0 || ::listen(fd, kBacklog) != 0)
        return fail(errno == EADDRINUSE ? Errc::busy : Errc::io, "cannot listen on " + name, errno);
    return {};
}

// Makes room at `path`: removes a socket nobody listens on.
Result<void> clear_stale(const std::string& path, const sockaddr_un& address) {
    struct stat found {};
    if (::lstat(path.c_str(), &found) != 0) {
        if (errno == ENOENT) return {};
        return fail(Errc::io, "cannot look at " + path, errno);
    }
    if (!S_ISSOCK(found.st_mode)) return fail(Errc::refused, path + " exists and is not a socket");
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe) return fail(Errc::io, "socket", errno);
    const bool connected =
        ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    // EAGAIN: a listener whose queue is full.
    if (connected || errno == EAGAIN) return fail(Errc::busy, "another program listens on " + path);
    if (errno != ECONNREFUSED) return fail(Errc::io, "cannot tell who uses " + path, errno);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return fail(Errc::io, "cannot remove the stale socket " + path, errno);
    return {};
}

}  // namespace

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
    if (this != &other) {
        remove();
        path_ = std::exchange(other.path_, {});
        device_ = other.device_;
        inode_ = other.inode_;
    }
    return *this;
}

void SocketFile::remove() noexcept {
    struct stat found {};
    if (!path_.empty() && ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ &&
        found.st_ino == inode_)
        ::unlink(path_.c_str());
    path_.clear();
}

Result<Fd> listen_tcp(const std::string& address) {
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == address.size())
        return fail(Errc::invalid_argument,
                    fmt::format("'{}' is not an address of the form host:port", address));
    std::string host = address.substr(0, colon);
    if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | AI_PASSIVE;
    addrinfo* list = nullptr;
    const int error = ::getaddrinfo(host.c_str(), address.c_str() + colon + 1, &hints, &list);
    if (error != 0)
        return fail(Errc::invalid_argument,
                    fmt::format("'{}' is not an address: {}", address, ::gai_strerror(error)));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
    Fd fd(::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) return fail(Errc::io, "cannot listen on " + address, errno);
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    auto listening = bind_and_listen(fd.get(), list->ai_addr, list->ai_addrlen, address);
    if (!listening) return Failure(listening.error());
    return fd;
}

std::uint16_t port_of(int tcp_socket) noexcept {
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    if (::getsockname(tcp_socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
    // The port stands at the same place for both families.
    if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return 0;
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

Result<UnixListener> listen_unix(const std::string& path, std::optional<gid_t> group) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof(address.sun_path))
        return fail(Errc::invalid_argument,
                    fmt::format("a socket's path must have 1 to {} bytes, not {}",
                                sizeof(address.sun_path) - 1, path.size()));
    std::memcpy(address.sun_path, path.data(), path.size());
    if (auto cleared = clear_stale(path, address); !cleared) return Failure(cleared.error());

    UnixListener listener;
    listener.fd = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    // The mode of the unbound socket bounds that of the file, so it is never wider than meant.
    if (!listener.fd || ::fchmod(listener.fd.get(), kSocketMode) != 0)
        return fail(Errc::io, "cannot make a socket", errno);
    if (::bind(listener.fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
        0)
        return fail(errno == EADDRINUSE ? Errc::busy : Errc::io, "cannot listen on " + path, errno);
    struct stat made {};
    if (::lstat(path.c_str(), &made) != 0) return fail(Errc::io, "cannot look at " + path, errno);
    listener.file = SocketFile(path, made.st_dev, made.st_ino);
    // Nobody can connect before listen(), so owner and mode are settled by then.
    if (group && ::lchown(path.c_str(), static_cast<uid_t>(-1), *group) != 0)
        return fail(Errc::io, "cannot set the group of " + path, errno);
    if (::chmod(path.c_str(), kSocketMode) != 0)
        return fail(Errc::io, "cannot set the mode of " + path, errno);
    if (::listen(listener.fd.get(), kBacklog) != 0)
        return fail(Errc::io, "cannot listen on " + path, errno);
    return listener;
}

Result<ActivatedSockets> take_activated_sockets() {
    ActivatedSockets sockets;
    const int count = ::sd_listen_fds(1);
    if (count < 0) return fail(Errc::invalid_argument, "socket activation", -count);
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; ++fd) {
        Fd owned(fd);
        const bool is_unix = ::sd_is_socket_unix(fd, SOCK_STREAM, 1, nullptr, 0) > 0;
        const bool is_tcp = ::sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) > 0;
        Fd& place = is_unix ? sockets.unix_socket : sockets.tcp;
        if ((!is_unix && !is_tcp) || place)
            return fail(Errc::invalid_argument,
                        fmt::format("socket activation: descriptor {} is not one listening TCP or "
                                    "Unix stream socket",
                                    fd));
        place = std::move(owned);
    }
    return sockets;
}

}  // namespace ballast
