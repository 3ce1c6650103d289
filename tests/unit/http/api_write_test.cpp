#include <catch2/catch.hpp>

#include "controller/http/target.h"
#include "http_fixture.h"

using namespace ballast;
using namespace ballast::test;
using Log = std::vector<std::string>;

namespace {

std::string code_of(const Response& response) {
    return nlohmann::json::parse(response.body)["error"]["code"];
}

}  // namespace

TEST_CASE("before the first tick nothing is done to a domain that is not known yet") {
    ApiFixture fixture;
    const auto [method, path, body] = GENERATE(table<std::string, std::string, std::string>({
        {"PUT", "/api/v1/domains/db-1/attributes/min_mem_mb", R"({"value": "12"})"},
        {"POST", "/api/v1/disable", R"({"domain": "db-1"})"},
        {"POST", "/api/v1/release", R"({"domain": "db-1"})"},
    }));
    const Response response = fixture.send(method, path, body);
    CHECK(response.status == 503);
    CHECK(nlohmann::json::parse(response.body)["error"]["code"] == "starting");
    CHECK(fixture.control.log.empty());
}

TEST_CASE("attributes are read and written, for a domain and as the default") {
    ApiFixture fixture;
    fixture.publish();
    CHECK(fixture.json("GET", "/api/v1/attributes/min_mem_mb") ==
          nlohmann::json{{"domain", nullptr}, {"attribute", "min_mem_mb"}, {"value", "256"}});
    CHECK(fixture.json("GET", "/api/v1/domains/db-1/attributes/min_mem_mb")["value"] == "4096");
    const auto written =
        fixture.json("PUT", "/api/v1/domains/db-1/attributes/min_mem_mb", R"({"value": "512"})");
    CHECK(written ==
          nlohmann::json{{"domain", "db-1"}, {"attribute", "min_mem_mb"}, {"value", "512"}});
    CHECK(fixture.send("PUT", "/api/v1/attributes/delay", R"({"value":""})").status == 200);
    CHECK(fixture.control.log == Log{"set db-1 min_mem_mb=512", "set  delay="});
}

TEST_CASE("an odd domain name reaches the controller as it is") {
    ApiFixture fixture;
    fixture.publish();
    const Response response =
        fixture.send("PUT", "/api/v1/domains/" + encode_segment(kOddName) + "/attributes/oom_kb",
                     R"({"value":"1"})");
    CHECK(response.status == 200);
    CHECK(fixture.control.log == Log{"set " + kOddName + " oom_kb=1"});
}

TEST_CASE("disable, enable and release take one domain or all") {
    ApiFixture fixture;
    fixture.publish();
    CHECK(fixture.json("POST", "/api/v1/disable") ==
          nlohmann::json{{"domain", nullptr}, {"disabled", true}});
    CHECK(fixture.json("POST", "/api/v1/enable", "{}")["disabled"] == false);
    CHECK(fixture.json("POST", "/api/v1/disable", R"({"domain":"db-1"})")["domain"] == "db-1");
    CHECK(fixture.json("POST", "/api/v1/release", R"({"domain":""})")["domain"].is_null());
    CHECK(fixture.control.log == Log{"disable ", "enable ", "disable db-1", "release "});
}

TEST_CASE("bodies that are not exactly what is expected change nothing") {
    ApiFixture fixture;
    const std::string body = GENERATE(
        as<std::string>{}, "", "{}", "null", "[]", "7", "\"x\"", "{", R"({"value":1})",
        R"({"value":null})", R"({"Value":"1"})", R"({"value":"1","more":2})", R"({"value":"1"} x)",
        R"({"value":{"value":"1"}})", "\xff", std::string(60000, '['));
    INFO(body.substr(0, 40));
    const Response response = fixture.send("PUT", "/api/v1/attributes/min_mem_mb", body);
    CHECK(response.status == 400);
    CHECK(code_of(response) == "invalid_argument");
    CHECK(fixture.control.log.empty());
}

TEST_CASE("a broken body never means all domains") {
    ApiFixture fixture;
    const std::string path = GENERATE(as<std::string>{}, "disable", "enable", "release");
    const std::string body = GENERATE(as<std::string>{}, "null", "[]", R"({"domain":null})",
                                      R"({"domains":"x"})", "db-1", R"("db-1")");
    CHECK(fixture.send("POST", "/api/v1/" + path, body).status == 400);
    CHECK(fixture.control.log.empty());
}

TEST_CASE("the controller's errors become HTTP statuses") {
    const auto [code, status] = GENERATE(table<Errc, int>({
        {Errc::invalid_argument, 400},
        {Errc::permission, 403},
        {Errc::not_found, 404},
        {Errc::refused, 409},
        {Errc::io, 500},
        {Errc::unsupported, 501},
        {Errc::bad_data, 502},
        {Errc::busy, 503},
        {Errc::unavailable, 503},
        {Errc::timed_out, 504},
    }));
    ApiFixture fixture;
    fixture.control.broken = Error{code, "no luck", EBADMSG};
    for (const Response& response :
         {fixture.send("PUT", "/api/v1/attributes/delay", R"({"value":"1"})"),
          fixture.send("POST", "/api/v1/disable"), fixture.send("POST", "/api/v1/enable"),
          fixture.send("POST", "/api/v1/release")}) {
        CHECK(response.status == status);
        const auto error = nlohmann::json::parse(response.body)["error"];
        CHECK(error["code"] == std::string(to_string(code)));
        CHECK(error["message"] == "no luck (Bad message)");
        CHECK(error["errno"] == EBADMSG);
        CHECK(error["errno_name"] == "EBADMSG");
    }
}

TEST_CASE("an error without an errno says so") {
    ApiFixture fixture;
    const auto error = fixture.json("POST", "/api/v1/disable", R"({"domain":"ghost"})")["error"];
    CHECK(error["errno"] == 0);
    CHECK(error["errno_name"].is_null());
}

TEST_CASE("those who may not write are refused with the reason, before anything is looked at") {
    ApiFixture fixture;
    const Response response = fixture.api.handle(
        {"POST", "/api/v1/disable", "{broken", Transport::unix_socket, {false, "only root may"}});
    CHECK(response.status == 403);
    CHECK(code_of(response) == "permission");
    CHECK(nlohmann::json::parse(response.body)["error"]["message"] == "only root may");
    CHECK(fixture.api
              .handle({"GET",
                       "/api/v1/attributes/min_mem_mb",
                       "",
                       Transport::unix_socket,
                       {false, "only root may"}})
              .status == 200);
}

TEST_CASE("nothing is written over TCP, whoever asks") {
    ApiFixture fixture;
    fixture.publish();
    for (const Api::Route& route : Api::routes()) {
        if (!route.writes) continue;
        std::string path(route.pattern);
        for (const std::string word : {"{name}", "{attribute}"})
            if (const auto at = path.find(word); at != path.npos)
                path.replace(at, word.size(), "x");
        INFO(path);
        CHECK(fixture.api
                  .handle({std::string(route.method),
                           path,
                           R"({"value":"1"})",
                           Transport::tcp,
                           {true, ""}})
                  .status == 403);
    }
    CHECK(fixture.control.log.empty());
}

TEST_CASE("a method a path does not know is answered with those it knows") {
    ApiFixture fixture;
    const Response response = fixture.send("DELETE", "/api/v1/attributes/min_mem_mb");
    CHECK(response.status == 405);
    CHECK(response.allow == "GET, PUT");
    CHECK(code_of(response) == "method_not_allowed");
    CHECK(fixture.send("GET", "/api/v1/disable").status == 405);
    CHECK(fixture.send("", "/healthz").status == 405);
    CHECK(fixture.send("HEAD", "/healthz").status == 200);
}

TEST_CASE("backends are loaded, unloaded and locked down by name") {
    ApiFixture fixture;
    CHECK(fixture.send("POST", "/api/v1/backends/mock/load", R"({"path":"/m.so"})").status == 200);
    CHECK(fixture.send("POST", "/api/v1/backends/mock/load").status == 200);
    CHECK(fixture
              .send("POST", "/api/v1/backends/mock/unload",
                    R"({"mode":"wait","patience":"90s","loans":"keep"})")
              .status == 200);
    CHECK(fixture.send("POST", "/api/v1/backends/mock/unload", R"({"mode":"force"})").status ==
          200);
    CHECK(fixture.send("POST", "/api/v1/backends/mock/lockdown").status == 200);
    CHECK(fixture.backends.log ==
          std::vector<std::string>{"load mock /m.so", "load mock ", "unload mock 1m30s wait keep",
                                   "unload mock 1m force return", "lockdown mock"});
}

TEST_CASE("what cannot be done to a backend is told") {
    ApiFixture fixture;
    const auto status = [&](const char* target, const char* body) {
        return fixture.send("POST", target, body).status;
    };
    CHECK(status("/api/v1/backends/mock/load", R"({"path":"/missing.so"})") == 404);
    CHECK(status("/api/v1/backends/ghost/unload", "") == 404);
    CHECK(status("/api/v1/backends/mock/unload", R"({"mode":"nonblock"})") == 409);
    CHECK(status("/api/v1/backends/mock/unload", R"({"mode":"now"})") == 400);
    CHECK(status("/api/v1/backends/mock/unload", R"({"patience":"soon"})") == 400);
    CHECK(status("/api/v1/backends/mock/unload", R"({"patience":"2h"})") == 400);
    CHECK(status("/api/v1/backends/mock/unload", R"({"loans":"drop"})") == 400);
    CHECK(status("/api/v1/backends/mock/unload", R"({"timeout":"1s"})") == 400);
    CHECK(status("/api/v1/backends/mock/unload", R"({"patience":1})") == 400);
    CHECK(status("/api/v1/backends/mock/load", "[]") == 400);
    CHECK(fixture.backends.log.empty());
}
