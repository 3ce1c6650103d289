#include "controller/http/server.h"

#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <mutex>
#include <vector>

#include "controller/http/connection_table.h"
#include "controller/http/reply.h"
#include "http_client.h"
#include "temp_dir.h"

using namespace ballast;
using namespace ballast::test;

namespace {

// Stands still until a test moves it; read on any thread.
class SettableClock final : public Clock {
  public:
    Time now() const noexcept override { return at; }
    WallTime wall_now() const noexcept override { return WallTime(); }
    std::atomic<Time> at{Time(std::chrono::hours(1))};
};

// A server on each transport that tells what it was asked.
struct EchoServers {
    TempDir folder;
    SettableClock clock;
    std::mutex mutex;
    std::vector<Request> seen;
    std::uint16_t port = 0;
    std::unique_ptr<Server> tcp;
    std::unique_ptr<Server> local;

    EchoServers() {
        const auto echo = [this](const Request& request) {
            const std::lock_guard lock(mutex);
            seen.push_back(request);
            return text_reply(200, request.method + " " + request.target + " " +
                                       std::to_string(request.body.size()));
        };
        auto listening = listen_tcp("127.0.0.1:0");
        REQUIRE(listening);
        port = port_of(listening->get());
        auto started =
            Server::start(std::move(*listening), std::nullopt, HostRule({"known"}), echo, clock);
        REQUIRE(started);
        tcp = std::move(*started);
        auto socket = listen_unix(path(), std::nullopt);
        REQUIRE(socket);
        socket_file = std::move(socket->file);
        started = Server::start(std::move(socket->fd), WriteRule{::geteuid(), {}, ""}, HostRule(),
                                echo, clock);
        REQUIRE(started);
        local = std::move(*started);
    }
    std::string path() const { return folder.path("s"); }
    std::size_t count() {
        const std::lock_guard lock(mutex);
        return seen.size();
    }
    SocketFile socket_file;
};

}  // namespace

TEST_CASE("both transports hand over the request as it was sent") {
    EchoServers servers;
    const std::string over_tcp = RawClient(servers.port).ask("GET /a%2Fb%zz?x=%41+&y");
    CHECK(status_of(over_tcp) == 200);
    CHECK(body_of(over_tcp) == "GET /a%2Fb%zz?x=%41+&y 0\n");
    CHECK(over_tcp.find("X-Content-Type-Options: nosniff") != over_tcp.npos);
    const std::string over_unix = RawClient(servers.path()).ask("PUT /x", "hello");
    CHECK(body_of(over_unix) == "PUT /x 5\n");
    REQUIRE(servers.count() == 2);
    CHECK(servers.seen[0].transport == Transport::tcp);
    CHECK(servers.seen[1].transport == Transport::unix_socket);
    CHECK(servers.seen[1].body == "hello");
}

TEST_CASE("the peer's credentials decide over the Unix socket, and nobody may over TCP") {
    EchoServers servers;
    RawClient(servers.path()).ask("POST /x");
    RawClient(servers.port).ask("POST /x");
    REQUIRE(servers.count() == 2);
    CHECK(servers.seen[0].write.allowed);
    CHECK_FALSE(servers.seen[1].write.allowed);
    CHECK_FALSE(servers.seen[1].write.reason.empty());
}

TEST_CASE("one connection serves request after request") {
    EchoServers servers;
    const RawClient client(servers.path());
    for (int i = 0; i < 3; ++i) REQUIRE(client.send("GET /n HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    client.ask("GET /last");
    CHECK(servers.count() == 4);
}

TEST_CASE("a body that is too large is refused") {
    EchoServers servers;
    const std::string announced =
        RawClient(servers.port).ask("POST /x", std::string(Server::kMaxBodyBytes + 1, 'x'));
    CHECK(status_of(announced) == 413);

    const RawClient chunked(servers.port);
    chunked.send(
        "POST /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5; ++i) chunked.send("4000\r\n" + std::string(0x4000, 'x') + "\r\n");
    chunked.send("0\r\n\r\n");
    CHECK(status_of(chunked.read_all()) == 413);
    CHECK(servers.count() == 0);
}

TEST_CASE("a body without end is cut off") {
    EchoServers servers;
    const RawClient client(servers.port);
    client.send("POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
    int sent = 0;
    while (sent < 4096 && client.send(chunk)) ++sent;
    CHECK(sent < 4096);
    CHECK(servers.count() == 0);
}

TEST_CASE("what is not HTTP does no harm") {
    EchoServers servers;
    const std::string garbage = GENERATE(
        as<std::string>{}, std::string("\r\n\r\n\r\n"), std::string("GET\r\n\r\n"),
        std::string(1000, '\0'), std::string("GET / HTTP/9.9\r\n\r\n"),
        std::string("\x16\x03\x01\x02\x00\x01\x00\x01"),
        "GET /" + std::string(100000, 'a') + " HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nX: " + std::string(100000, 'b') + "\r\n\r\n",
        std::string("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n"),
        std::string(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        std::string(
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        std::string("PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nabc"));
    {
        const RawClient client(servers.port);
        client.send(garbage);
        client.finish_sending();
        client.read_all();
    }
    CHECK(status_of(RawClient(servers.port).ask("GET /still-there")) == 200);
}

TEST_CASE("idle connections beyond the limit do not stop the server") {
    EchoServers servers;
    {
        std::vector<std::unique_ptr<RawClient>> idle;
        for (unsigned i = 0; i < Server::kMaxConnections + 10; ++i)
            idle.push_back(std::make_unique<RawClient>(servers.path()));
    }
    // The server learns on threads of its own that they are gone.
    int status = 0;
    for (int left = 100'000; status != 200 && left > 0; --left)
        status = status_of(RawClient(servers.path()).ask("GET /x"));
    CHECK(status == 200);
}

TEST_CASE("names that an attacker's page could have are not answered over TCP") {
    EchoServers servers;
    for (const char* host : {"localhost", "127.0.0.1", "127.0.0.1:9835", "[::1]:9835", "known:80"})
        CHECK(status_of(RawClient(servers.port).ask("GET /x", "", host)) == 200);
    const std::string refused = RawClient(servers.port).ask("GET /metrics", "", "evil.example:80");
    CHECK(status_of(refused) == 421);
    CHECK(body_of(refused).find("listen.host_names") != refused.npos);
    // No page reaches the Unix socket; clients put there what they like.
    CHECK(status_of(RawClient(servers.path()).ask("GET /x", "", "evil.example")) == 200);
}

TEST_CASE("slow connections give way to those that ask") {
    EchoServers servers;
    // All the places, three times over, each in the midst of a request.
    std::vector<std::unique_ptr<RawClient>> slow;
    for (unsigned i = 0; i < 3 * Server::kMaxTcpConnections; ++i) {
        slow.push_back(std::make_unique<RawClient>(servers.port));
        slow.back()->send(i % 2 == 0 ? "GET /slow HTTP/1.1\r\nHost: local" : "GE");
    }
    // The time of none of them is over.
    for (int i = 0; i < 10; ++i)
        REQUIRE(status_of(RawClient(servers.port).ask("GET /metrics")) == 200);
    CHECK(status_of(RawClient(servers.path()).ask("GET /x")) == 200);
}

TEST_CASE("a request that does not come to its end in time is cut off") {
    EchoServers servers;
    const std::string sent =
        GENERATE(as<std::string>{}, "", "GET /slow HT", "GET /slow HTTP/1.1\r\nHost: local",
                 "PUT /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf of it");
    const RawClient slow(servers.port);
    REQUIRE(slow.send(sent));
    // The library's own limit is that of a silence, of 15 s.
    bool is_closed = false;
    for (int i = 0; i < 50 && !is_closed; ++i) {
        servers.clock.at = servers.clock.at.load() + std::chrono::seconds(16);
        is_closed = slow.is_closed_within(std::chrono::milliseconds(200));
    }
    CHECK(is_closed);
    CHECK(servers.count() == 0);
}

TEST_CASE("stopping closes connections that are still open") {
    EchoServers servers;
    const RawClient idle(servers.path());
    const RawClient half(servers.port);
    half.send("GET /x HTTP/1.1\r\nHo");
    servers.local.reset();
    servers.tcp.reset();
    CHECK(idle.read_all().empty());
}
