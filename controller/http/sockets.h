// Listening sockets: made here, or handed over by systemd.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/result.h"

namespace ballast {

// Listens on "host:port" ("127.0.0.1:9835", "[::1]:0", "localhost:80"). Errors: invalid_argument,
// busy (address in use), io.
Result<Fd> listen_tcp(const std::string& address);
// The port a TCP socket is bound to; 0 if it has none.
std::uint16_t port_of(int tcp_socket) noexcept;

// Removes the socket file it made when destroyed, unless another file stands there by then. To be
// destroyed before the socket is closed: only until then is its inode number not used again.
class SocketFile {
  public:
    SocketFile() noexcept = default;
    SocketFile(std::string path, dev_t device, ino_t inode) noexcept
        : path_(std::move(path)), device_(device), inode_(inode) {}
    SocketFile(SocketFile&& other) noexcept { *this = std::move(other); }
    SocketFile& operator=(SocketFile&& other) noexcept;
    ~SocketFile() { remove(); }
    void remove() noexcept;

  private:
    std::string path_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

struct UnixListener {
    Fd fd;
    SocketFile file;
};

// Listens on a Unix socket with mode 0660 and, if given, that group. A socket left behind by a
// program that is gone is replaced. Errors: invalid_argument (path too long), busy (somebody
// answers there), refused (the path is something other than a socket), io.
Result<UnixListener> listen_unix(const std::string& path, std::optional<gid_t> group);

// What systemd passed, each at most once.
struct ActivatedSockets {
    Fd tcp;
    Fd unix_socket;
};

// Takes the descriptors of socket activation over; neither if there are none. Call once. Error:
// invalid_argument for descriptors that cannot serve.
Result<ActivatedSockets> take_activated_sockets();

}  // namespace ballast
