#include "controller/http/sockets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "http_client.h"
#include "temp_dir.h"

using namespace ballast;
using namespace ballast::test;

namespace {

mode_t mode_of(const std::string& path) {
    struct stat found {};
    return ::lstat(path.c_str(), &found) == 0 ? found.st_mode : 0;
}

}  // namespace

TEST_CASE("a Unix socket is made for its group, and removed with its owner") {
    const TempDir folder;
    const std::string path = folder.path("api.sock");
    const mode_t before = ::umask(0);
    {
        const auto listener = listen_unix(path, ::getegid());
        REQUIRE(listener);
        CHECK(mode_of(path) == (S_IFSOCK | 0660));
        CHECK(::fcntl(listener->fd.get(), F_GETFD) == FD_CLOEXEC);
    }
    ::umask(before);
    CHECK(mode_of(path) == 0);
}

TEST_CASE("a socket that somebody answers is left alone") {
    const TempDir folder;
    const auto first = listen_unix(folder.path("api.sock"), std::nullopt);
    REQUIRE(first);
    const auto second = listen_unix(folder.path("api.sock"), std::nullopt);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::busy);
    CHECK_NOTHROW(RawClient(folder.path("api.sock")));
}

TEST_CASE("a stale socket is replaced") {
    const TempDir folder;
    const std::string path = folder.path("api.sock");
    auto old = listen_unix(path, std::nullopt);
    REQUIRE(old);
    old->fd = Fd();  // nobody listens any more, but the file is there
    const auto fresh = listen_unix(path, std::nullopt);
    REQUIRE(fresh);
    CHECK_NOTHROW(RawClient(path));
    old->file = SocketFile();
}

TEST_CASE("an owner whose file was replaced leaves the new one alone") {
    const TempDir folder;
    const std::string path = folder.path("api.sock");
    auto old = listen_unix(path, std::nullopt);
    REQUIRE(old);
    REQUIRE(::unlink(path.c_str()) == 0);
    const auto fresh = listen_unix(path, std::nullopt);
    REQUIRE(fresh);
    old->file.remove();
    CHECK_NOTHROW(RawClient(path));
}

TEST_CASE("nothing but a socket is ever removed") {
    const TempDir folder;
    const std::string path = folder.path("precious");
    std::ofstream(path) << "data";
    const auto listener = listen_unix(path, std::nullopt);
    REQUIRE_FALSE(listener);
    CHECK(listener.error().code == Errc::refused);
    CHECK(S_ISREG(mode_of(path)));

    const std::string link = folder.path("link");
    REQUIRE(::symlink(path.c_str(), link.c_str()) == 0);
    REQUIRE_FALSE(listen_unix(link, std::nullopt));
    CHECK(S_ISLNK(mode_of(link)));
}

TEST_CASE("paths that cannot be bound are refused") {
    const TempDir folder;
    CHECK(listen_unix("", std::nullopt).error().code == Errc::invalid_argument);
    CHECK(listen_unix(folder.path(std::string(108, 'x')), std::nullopt).error().code ==
          Errc::invalid_argument);
    const auto missing = listen_unix(folder.path("no/such/api.sock"), std::nullopt);
    CHECK(missing.error().sys_errno == ENOENT);
}

TEST_CASE("TCP addresses are host and port") {
    for (const char* address : {"127.0.0.1:0", "[::1]:0", "localhost:0"}) {
        INFO(address);
        const auto fd = listen_tcp(address);
        if (!fd && fd.error().sys_errno == EADDRNOTAVAIL) continue;  // no IPv6 here
        REQUIRE(fd);
        CHECK(port_of(fd->get()) > 0);
    }
    for (const char* address : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "a b:1"}) {
        INFO(address);
        const auto fd = listen_tcp(address);
        REQUIRE_FALSE(fd);
        CHECK(fd.error().code == Errc::invalid_argument);
    }
}

TEST_CASE("a TCP address in use is reported as busy") {
    const auto first = listen_tcp("127.0.0.1:0");
    REQUIRE(first);
    const auto second = listen_tcp("127.0.0.1:" + std::to_string(port_of(first->get())));
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Errc::busy);
}

TEST_CASE("without socket activation there are no sockets to take") {
    ::unsetenv("LISTEN_FDS");
    const auto sockets = take_activated_sockets();
    REQUIRE(sockets);
    CHECK_FALSE(sockets->tcp);
    CHECK_FALSE(sockets->unix_socket);
}
