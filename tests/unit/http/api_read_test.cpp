#include <catch2/catch.hpp>

#include "controller/http/target.h"
#include "http_fixture.h"

using namespace ballast;
using namespace ballast::test;

TEST_CASE("status tells the backend, the last tick and the sums") {
    ApiFixture fixture;
    fixture.publish();
    const auto status = fixture.json("GET", "/api/v1/status");
    CHECK(status["backend"]["name"] == "mock");
    CHECK(status["backend"]["up"] == true);
    CHECK(status["backend"]["error"].is_null());
    CHECK(status["delay_seconds"] == 1.0);
    CHECK(status["tick"]["number"] == 7);
    CHECK(status["tick"]["time"] == "2023-11-14T22:13:20.123Z");
    CHECK(status["tick"]["took_seconds"] == Approx(0.00025));
    CHECK(status["host"]["available_bytes"] == 10 * kGiB);
    REQUIRE(status["host"]["nodes"].size() == 2);
    CHECK(status["host"]["nodes"][1] == nlohmann::json{{"node", 3},
                                                       {"total_bytes", 24 * kGiB},
                                                       {"free_bytes", kGiB},
                                                       {"available_bytes", nullptr},
                                                       {"short", false}});
    CHECK(status["domains"]["count"] == 2);
    CHECK(status["domains"]["loaned_bytes"] == 4 * kGiB);
    CHECK(status["domains"]["constraints"] == nlohmann::json{{"min_mem", 1}, {"backend_error", 1}});
}

TEST_CASE("what is not known is null") {
    ApiFixture fixture;
    Snapshot& snapshot = *fixture.snapshots.begin();
    fill(snapshot);
    snapshot.host = HostState{};
    fixture.snapshots.publish();
    CHECK(fixture.json("GET", "/api/v1/status")["host"]["total_bytes"].is_null());
    CHECK(fixture.json("GET", "/api/v1/domains/db-1")["usable_bytes"].is_null());
}

TEST_CASE("a domain is found by its encoded name, whatever is in it") {
    ApiFixture fixture;
    fixture.publish();
    const auto domain = fixture.json("GET", "/api/v1/domains/" + encode_segment(kOddName));
    CHECK(domain["name"] == kOddName);
    CHECK(domain["flags"] == nlohmann::json{"paused", "migrating"});
    CHECK(domain["constraint"] == "backend_error");
    CHECK(domain["outcome"] == "refused");
    CHECK(domain["page_bytes"] == 65536);
    CHECK(domain["detail"] == "the hypervisor said no");
    const auto db = fixture.json("GET", "/api/v1/domains/db-1");
    CHECK(db["memory_bytes"] == 4 * kGiB);
    CHECK(db["memory_target_bytes"] == 4 * kGiB);
    CHECK(db["detail"].is_null());
    CHECK(db["nodes"] == nlohmann::json::array());
    CHECK(domain["nodes"] == nlohmann::json{0, 63});
}

TEST_CASE("a loan larger than the domain does not wrap around") {
    ApiFixture fixture;
    Snapshot& snapshot = *fixture.snapshots.begin();
    fill(snapshot);
    snapshot.decisions[0].loaned_after_bytes = 9 * kGiB;
    fixture.snapshots.publish();
    CHECK(fixture.json("GET", "/api/v1/domains/db-1")["memory_bytes"] == 0);
}

TEST_CASE("a name that is not UTF-8 still gives valid JSON") {
    ApiFixture fixture;
    Snapshot& snapshot = *fixture.snapshots.begin();
    fill(snapshot);
    auto names = std::make_shared<DomainNames>(*snapshot.names);
    names->name[0] = "bad\xff";
    snapshot.names = names;
    fixture.snapshots.publish();
    CHECK(fixture.send("GET", "/api/v1/domains/bad%FF").status == 200);
    CHECK(fixture.json("GET", "/api/v1/domains/bad%FF")["name"] == "bad\xef\xbf\xbd");
}

TEST_CASE("domains come in pages") {
    ApiFixture fixture;
    fixture.publish();
    const auto all = fixture.json("GET", "/api/v1/domains");
    CHECK(all["count"] == 2);
    REQUIRE(all["domains"].size() == 2);
    CHECK(all["domains"][0]["name"] == "db-1");
    const auto second = fixture.json("GET", "/api/v1/domains?offset=1&limit=1");
    REQUIRE(second["domains"].size() == 1);
    CHECK(second["domains"][0]["name"] == kOddName);
    CHECK(fixture.json("GET", "/api/v1/domains?offset=99")["domains"].empty());
    CHECK(fixture.json("GET", "/api/v1/domains?limit=0")["domains"].empty());
}

TEST_CASE("bad query parameters are refused") {
    ApiFixture fixture;
    fixture.publish();
    const std::string query =
        GENERATE(as<std::string>{}, "limit=1001", "limit=-1", "limit=x", "limit=", "offset=1e3",
                 "offset=99999999999999999999", "page=1", "limit=1&limit=2", "limit=1&", "%00");
    INFO(query);
    const Response response = fixture.send("GET", "/api/v1/domains?" + query);
    CHECK(response.status == 400);
    CHECK(nlohmann::json::parse(response.body)["error"]["code"] == "invalid_argument");
}

TEST_CASE("explain names the constraint and gives the text") {
    ApiFixture fixture;
    fixture.publish();
    const auto explained = fixture.json("GET", "/api/v1/domains/db-1/explain");
    CHECK(explained["name"] == "db-1");
    CHECK(explained["constraint"] == "min_mem");
    CHECK(explained["text"] == explain(*fixture.snapshots.latest(), 0));
}

TEST_CASE("unknown domains and paths are not found") {
    ApiFixture fixture;
    fixture.publish();
    const std::string path =
        GENERATE(as<std::string>{}, "/", "//", "/api", "/api/v1", "/api/v1/", "/api/v1/status/",
                 "/api/v1/domains/", "/api/v1/domains/ghost", "/api/v1/domains/ghost/explain",
                 "/api/v1/domains//explain", "/api/v1/domains//attributes/min_mem_mb",
                 "/api/v1/attributes/", "/api/v1/attributes/nonsense", "/metrics/x",
                 "/api/v1/domains/..%2fstatus", "/api/v1/domains/%00");
    INFO(path);
    const Response response = fixture.send("GET", path);
    CHECK(response.status == 404);
    CHECK(nlohmann::json::parse(response.body)["error"]["code"] == "not_found");
}

TEST_CASE("before the first tick the read paths say so") {
    ApiFixture fixture;
    const std::string path = GENERATE(as<std::string>{}, "/api/v1/status", "/api/v1/domains",
                                      "/api/v1/domains/db-1", "/api/v1/domains/db-1/explain");
    const Response response = fixture.send("GET", path);
    CHECK(response.status == 503);
    CHECK(nlohmann::json::parse(response.body)["error"]["code"] == "starting");
}

TEST_CASE("a domain is found by its UUID, and by its host and name") {
    ApiFixture fixture;
    fixture.publish_two_hosts();
    for (const std::string& path : {std::string("beta%2Fweb"), to_string(key_from_name("two"))}) {
        CAPTURE(path);
        const auto domain = fixture.json("GET", "/api/v1/domains/" + path);
        CHECK(domain["name"] == "web");
        CHECK(domain["host"] == "beta");
        CHECK(domain["uuid"] == to_string(key_from_name("two")));
        CHECK(domain["total_bytes"] == kGiB);
        const auto explained = fixture.json("GET", "/api/v1/domains/" + path + "/explain");
        CHECK(explained["host"] == "beta");
        CHECK(explained["text"].get<std::string>().starts_with("beta/web, tick 7: "));
    }
    fixture.publish();
    CHECK(fixture.json("GET", "/api/v1/domains/db-1")["host"].is_null());
}

TEST_CASE("a name that domains of two hosts share is refused, and the answer lists them") {
    ApiFixture fixture;
    fixture.publish_two_hosts();
    const std::string path = GENERATE("/api/v1/domains/web", "/api/v1/domains/web/explain");
    const Response response = fixture.send("GET", path);
    CHECK(response.status == 409);
    CHECK(nlohmann::json::parse(response.body)["error"]["message"] ==
          "2 domains are called 'web': alpha/web (" + to_string(key_from_name("one")) +
              "), beta/web (" + to_string(key_from_name("two")) +
              "); name one as HOST/NAME or by its UUID");
}

TEST_CASE("a dry run shows in the status, and what each domain would lend beside it") {
    ApiFixture fixture;
    Snapshot& snapshot = *fixture.snapshots.begin();
    fill(snapshot);
    snapshot.dry_run = GENERATE(true, false);
    const bool dry_run = snapshot.dry_run;
    fixture.snapshots.publish();
    const auto status = fixture.json("GET", "/api/v1/status");
    const auto domain = fixture.json("GET", "/api/v1/domains/db-1");
    CHECK(status["dry_run"] == dry_run);
    CHECK(status["domains"]["would_lend_bytes"].is_null() != dry_run);
    CHECK(domain["would_lend_bytes"].is_null() != dry_run);
    if (!dry_run) return;
    CHECK(status["domains"]["would_lend_bytes"] == 4 * kGiB);
    CHECK(domain["would_lend_bytes"] == 4 * kGiB);
}

TEST_CASE("a snapshot with no names lists no domains") {
    ApiFixture fixture;
    *fixture.snapshots.begin() = Snapshot{};
    fixture.snapshots.publish();
    CHECK(fixture.json("GET", "/api/v1/domains")["count"] == 0);
    CHECK(fixture.send("GET", "/api/v1/domains/db-1").status == 404);
}

TEST_CASE("the status tells which file the event bus is, as it is now") {
    ApiFixture fixture;
    fixture.publish();
    CHECK(fixture.json("GET", "/api/v1/status")["bus"]["path"] == fixture.bus_path);
    fixture.bus_path = "/elsewhere";
    CHECK(fixture.json("GET", "/api/v1/status")["bus"]["path"] == "/elsewhere");
    fixture.bus_path.clear();
    CHECK(fixture.json("GET", "/api/v1/status")["bus"]["path"].is_null());
}
