// The event bus as server-sent events.
#include <catch2/catch.hpp>
#include <thread>

#include "controller/http/event_stream.h"
#include "controller/http/server.h"
#include "http_client.h"
#include "http_fixture.h"

using namespace ballast;
using namespace ballast::test;
using Catch::Matchers::Contains;

namespace {

struct EventsFixture : ApiFixture {
    void notice(const char* text, ballast_bus_type type = BALLAST_BUS_CONFIG) const {
        bus->publish_notice(type, text);
        bus->commit();
    }
    Response over_tcp() const {
        return api.handle({"GET", "/api/v1/events", "", Transport::tcp, {}});
    }
    void oom(const char* domain) const {
        ballast_bus_domain_event event{};
        copy_text(event.domain.name, domain);
        event.bytes = 4096;
        bus->publish(BALLAST_BUS_OOM, event);
        bus->commit();
    }
};

// All that is there.
std::string drained(const Response& response) {
    std::string text;
    for (std::size_t before = std::string::npos; text.size() != before;) {
        before = text.size();
        response.stream(text);
    }
    return text;
}

std::string message_of(const Response& response) {
    return nlohmann::json::parse(response.body)["error"]["message"];
}

}  // namespace

TEST_CASE("events are told as they come, with an id to go on from") {
    EventsFixture fixture;
    fixture.notice("before");
    const Response live = fixture.send("GET", "/api/v1/events");
    REQUIRE(live.status == 200);
    REQUIRE(live.stream);
    CHECK(live.content_type.starts_with("text/event-stream"));
    fixture.notice("first");
    fixture.oom("db-1");
    const std::string text = drained(live);
    CHECK_THAT(text, !Contains("before"));
    CHECK_THAT(text, Contains("id: 1-1\nevent: config\ndata: {") &&
                         Contains("\"text\":\"first\"}\n\n") && Contains("id: 1-2\nevent: oom\n"));

    // Another client, which has seen the first.
    const Response later = fixture.send("GET", "/api/v1/events", "", "1-1");
    const std::string rest = drained(later);
    CHECK_THAT(rest, !Contains("first") && Contains("db-1"));
    const Response all = fixture.send("GET", "/api/v1/events?from=oldest");
    CHECK_THAT(drained(all), Contains("before") && Contains("first"));
}

TEST_CASE("a client that knows another writer is told, and begins with the oldest") {
    EventsFixture fixture;
    fixture.notice("first");
    CHECK_THAT(drained(fixture.send("GET", "/api/v1/events", "", "77-123")),
               Catch::StartsWith("event: restarted\ndata: {}\n\nid: 1-0\n"));
}

TEST_CASE("a client that comes back too late learns how much it lost") {
    EventsFixture fixture;
    for (int i = 0; i < 100; ++i) fixture.notice("filling");
    const std::string text = drained(fixture.send("GET", "/api/v1/events", "", "1-9"));
    // 64 slots, one of which is about to be written: 37 is the oldest of 100.
    CHECK_THAT(text, Catch::StartsWith("event: lost\ndata: {\"count\":27}\n\nid: 1-37\n"));
}

TEST_CASE("events are chosen by type and domain") {
    EventsFixture fixture;
    const Response some =
        fixture.send("GET", "/api/v1/events?type=oom&type=backend&domain=db-*&domain=web");
    fixture.notice("a setting");
    fixture.oom("db-1");
    fixture.oom("cache");
    fixture.oom("web");
    const std::string text = drained(some);
    CHECK_THAT(text, Contains("db-1") && Contains("web"));
    CHECK_THAT(text, !Contains("cache") && !Contains("a setting"));
}

TEST_CASE("what cannot be followed is refused, and why is told") {
    EventsFixture fixture;
    const auto refused = [&](const std::string& query, const std::string& id = "") {
        const Response response = fixture.send("GET", "/api/v1/events" + query, "", id);
        CHECK(response.status == 400);
        return message_of(response);
    };
    CHECK_THAT(refused("?type=oomm"), Contains("type is 'oomm'") && Contains("decision oom"));
    CHECK_THAT(refused("?from=yesterday"), Contains("expected oldest or now"));
    CHECK_THAT(refused("?from=now&from=oldest"), Contains("given twice"));
    CHECK_THAT(refused("?limit=1"), Contains("unknown parameter 'limit'"));
    for (const char* const id : {"x", "1", "1-", "-1", "1-2-3", "99999999999999999999-1"})
        CHECK_THAT(refused("", id), Contains("Last-Event-ID is '") && Contains(id));
    fixture.bus_path = "";
    Response off = fixture.send("GET", "/api/v1/events");
    CHECK(off.status == 503);
    CHECK_THAT(message_of(off), Contains("the event bus is off"));
    fixture.bus_path = fixture.folder.path("nothing");
    off = fixture.send("GET", "/api/v1/events");
    CHECK(off.status == 503);
    CHECK_THAT(message_of(off), Contains("nothing: "));
}

TEST_CASE("sixteen clients may follow, the next may not, and one that leaves makes room") {
    EventsFixture fixture;
    std::vector<Response> streams;
    for (int i = 0; i < 16; ++i) streams.push_back(fixture.send("GET", "/api/v1/events"));
    for (const Response& stream : streams) CHECK(stream.status == 200);
    CHECK(fixture.send("GET", "/api/v1/events").status == 503);
    for (int i = 0; i < 4; ++i) streams.pop_back();
    // Places that are left are for the socket.
    CHECK(fixture.over_tcp().status == 503);
    streams.pop_back();
    CHECK(fixture.over_tcp().status == 200);
    CHECK(fixture.send("GET", "/api/v1/events").status == 200);
}

TEST_CASE("a bus that is moved or made anew is followed") {
    EventsFixture fixture;
    const Response stream = fixture.send("GET", "/api/v1/events");
    fixture.notice("on the old");
    fixture.bus.reset();
    fixture.bus = *BusWriter::create(fixture.bus_path, {.slot_count = 64}, fixture.clock);
    fixture.notice("on one of the same name");
    std::string text;
    while (text.find("same name") == std::string::npos) REQUIRE(stream.stream(text));
    CHECK_THAT(text, Contains("on the old") && Contains("event: restarted\n"));
    fixture.bus.reset();
    fixture.bus_path = "";  // as while it is moved
    while (text.find("writer_gone") == std::string::npos) REQUIRE(stream.stream(text));
    const std::string moved = fixture.folder.path("moved");
    fixture.bus = *BusWriter::create(moved, {.slot_count = 64}, fixture.clock);
    fixture.notice("on the new");
    fixture.bus_path = moved;
    while (text.find("on the new") == std::string::npos) REQUIRE(stream.stream(text));
}

TEST_CASE("a quiet stream says now and then that it is there") {
    EventsFixture fixture;
    auto stream = EventStream::open({.path = [&] { return fixture.bus_path; },
                                     .filter = {.types = {"oom"}, .domains = {}},
                                     .after = {},
                                     .patience_ms = 1,
                                     .clock = &fixture.clock});
    REQUIRE(stream);
    std::string text;
    const auto more = [&] {
        fixture.notice("filtered, and so no event");
        CHECK((*stream)->more(text));
    };
    for (int i = 0; i < 5; ++i) more();
    CHECK(text.empty());
    fixture.clock.at += std::chrono::seconds(5);
    more();
    CHECK(text == ": still here\n\n");
    more();
    CHECK(text == ": still here\n\n");
}

TEST_CASE("events go over a socket while they come, and the server can stop meanwhile") {
    EventsFixture fixture;
    const TempDir folder;
    auto listening = listen_unix(folder.path("api.sock"), std::nullopt);
    REQUIRE(listening);
    const SystemClock clock;
    auto server = Server::start(
        std::move(listening->fd), WriteRule{}, HostRule(),
        [&](const Request& request) { return fixture.api.handle(request); }, clock);
    REQUIRE(server);
    const RawClient client(folder.path("api.sock"));
    REQUIRE(
        client.send("GET /api/v1/events?from=oldest HTTP/1.1\r\nHost: localhost\r\n"
                    "Last-Event-ID: 1-0\r\n\r\n"));
    fixture.notice("seen before");
    fixture.notice("over the wire");
    std::string text;
    while (text.find("over the wire") == std::string::npos) {
        const std::string part = client.read_some();
        REQUIRE(!part.empty());
        text += part;
    }
    CHECK_THAT(text, Contains("HTTP/1.1 200") && Contains("text/event-stream") &&
                         !Contains("seen before"));
    server->reset();  // does not wait for the client
    while (!client.read_some().empty()) {
    }
}
