// Who changed what is logged, and nothing else is.
#include "controller/http/audit.h"

#include <catch2/catch.hpp>
#include <cerrno>

#include "base/log.h"
#include "http_fixture.h"

using namespace ballast;
using namespace ballast::test;

namespace {

struct Audited : ApiFixture {
    Audited() { publish(); }
    std::vector<std::string> lines;
    log::Redirect redirect{[this](log::Level, std::string_view line) {
        if (line.starts_with("audit:")) lines.emplace_back(line);
    }};

    int ask(const char* method, const char* target, const char* body = "") {
        return api
            .handle({method,
                     target,
                     body,
                     Transport::unix_socket,
                     {true, ""},
                     "",
                     PeerIdentity{1000, 100, 4711}})
            .status;
    }
};

}  // namespace

TEST_CASE("every change is logged with who made it, of what, from what, to what") {
    Audited all;
    CHECK(all.ask("PUT", "/api/v1/domains/db-1/attributes/min_mem_mb", R"({"value":"512"})") ==
          200);
    CHECK(all.ask("PUT", "/api/v1/attributes/min_mem_mb", R"({"value":"300"})") == 200);
    CHECK(all.ask("POST", "/api/v1/disable", R"({"domain":"db-1"})") == 200);
    CHECK(all.ask("POST", "/api/v1/enable") == 200);
    CHECK(all.ask("POST", "/api/v1/release", R"({"domain":"db-1"})") == 200);
    CHECK(all.ask("POST", "/api/v1/reservations",
                  R"({"bytes":"1073741824","domain":"db-1","expires_seconds":"60"})") == 200);
    CHECK(all.ask("DELETE", "/api/v1/reservations/3") == 200);
    CHECK(all.ask("POST", "/api/v1/backends/libvirt/load", R"({"path":"/x.so"})") == 200);
    CHECK(all.ask("POST", "/api/v1/backends/libvirt/lockdown") == 200);
    CHECK(all.ask("POST", "/api/v1/backends/libvirt/unload") == 200);
    const std::string who = "audit: uid=1000 pid=4711 change=";
    CHECK(all.lines ==
          std::vector<std::string>{
              who + R"(set_attribute domain="db-1" attribute="min_mem_mb" old="4096" new="512")",
              who + R"(set_attribute domain=null attribute="min_mem_mb" old="256" new="300")",
              who + R"(disable domain="db-1" old="0" new="1")",
              who + R"(enable domain=null old="0" new="0")",
              who + R"(release domain="db-1" old="1024" new="0")",
              who + R"(reserve domain="db-1" id=3 old="" new="1 GiB for 1m")",
              who + R"(cancel_reservation id=3 old="1 GiB for 'db-1'" new="")",
              who + R"(load_backend backend="libvirt" old="built in, version 1.2.3" )" +
                  R"(new="built in, version 1.2.3")",
              who + R"(lock_backend backend="libvirt" old="" new="permanent")",
              who + R"(unload_backend backend="libvirt" old="built in, version 1.2.3" new="")",
          });
    // Each path that writes is among them.
    const auto routes = Api::routes();
    CHECK(std::count_if(routes.begin(), routes.end(),
                        [](const Api::Route& route) { return route.writes; }) == 10);
}

TEST_CASE("what was refused or only read is not logged") {
    Audited all;
    CHECK(all.ask("PUT", "/api/v1/attributes/loaned_kb", R"({"value":"1"})") == 409);
    CHECK(all.ask("POST", "/api/v1/disable", R"({"domain":"ghost"})") == 404);
    CHECK(all.ask("GET", "/api/v1/attributes/min_mem_mb") == 200);
    all.control.broken = Error{Errc::busy, "no luck", 0};
    CHECK(all.ask("POST", "/api/v1/release") == 503);
    CHECK(all.lines.empty());
}

TEST_CASE("what may still be done is logged, too") {
    Audited all;
    all.control.broken = Error{Errc::timed_out, "it is under way", 0};
    CHECK(all.ask("PUT", "/api/v1/attributes/oom_kb", R"({"value":"64"})") == 504);
    REQUIRE(all.lines.size() == 1);
    CHECK(all.lines[0] ==
          "audit: uid=1000 pid=4711 change=set_attribute domain=null "
          "attribute=\"oom_kb\" old=\"unknown\" new=\"64\" outcome=unknown");
}

TEST_CASE("a name cannot forge a line") {
    const Json object = {{"domain", "x\" old=\"1\naudit: uid=0"}};
    CHECK(audit_line({}, "release", object, {"a\"b", "\xff"}) ==
          "audit: change=release domain=\"x\\\" old=\\\"1\\naudit: uid=0\" old=\"a\\\"b\" "
          "new=\"\xef\xbf\xbd\"");
}
