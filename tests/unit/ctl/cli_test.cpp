#include "ctl/cli.h"

#include <catch2/catch.hpp>

#include "ctl_fixture.h"

using namespace ballast::ctl;
using namespace ballast::ctl::test;

namespace {

constexpr const char* kStatus =
    R"({"version":"1.2","backend":{"name":"mock","up":true,"error":null},
    "policy":"cmm","disabled":false,"delay_seconds":1.0,
    "tick":{"number":7,"time":"2023-11-14T22:13:20.123Z","took_seconds":0.00025,"late_seconds":0.0,
            "observe_failures":0,"events":0},
    "host":{"total_bytes":null,"available_bytes":1073741824},
    "domains":{"count":2,"total_bytes":9663676416,"loaned_bytes":4294967296,
               "loan_target_bytes":4294967296,"oom_freed_bytes":0,"constraints":{"min_mem":1}}})";

std::string domain(const std::string& name, const std::string& uuid) {
    return R"({"name":")" + name + R"(","uuid":")" + uuid +
           R"(","total_bytes":1073741824,"loaned_bytes":268435456,"loan_target_bytes":268435456,
               "min_mem_bytes":134217728,"usable_bytes":null,"oom_freed_bytes":0,
               "constraint":"min_mem","disabled":true,"flags":["deflate_on_oom","paused"]})";
}

std::string error(const std::string& message) {
    return R"({"error":{"code":"x","message":")" + message + R"(","errno":0,"errno_name":null}})";
}

}  // namespace

TEST_CASE("each command asks the daemon one thing") {
    const auto [line, request] = GENERATE(table<std::vector<std::string>, std::string>({
        {{"status"}, "GET /api/v1/status"},
        {{"domains"}, "GET /api/v1/domains?offset=0"},
        {{"explain", "a/b c"}, "GET /api/v1/domains/a%2Fb%20c/explain"},
        {{"get", "db-1", "oom_kb"}, "GET /api/v1/domains/db-1/attributes/oom_kb"},
        {{"get", "--default", "oom_kb"}, "GET /api/v1/attributes/oom_kb"},
        {{"set", "db-1", "oom_kb", "64"},
         R"(PUT /api/v1/domains/db-1/attributes/oom_kb {"value":"64"})"},
        {{"set", "db-1", "disable", "-1"},
         R"(PUT /api/v1/domains/db-1/attributes/disable {"value":"-1"})"},
        {{"set", "--default", "delay", "5"}, R"(PUT /api/v1/attributes/delay {"value":"5"})"},
        {{"set", "delay", "5", "--default"}, R"(PUT /api/v1/attributes/delay {"value":"5"})"},
        {{"set", "db-1", "oom_kb", ""},
         R"(PUT /api/v1/domains/db-1/attributes/oom_kb {"value":""})"},
        {{"disable"}, "POST /api/v1/disable {}"},
        {{"disable", "--all"}, "POST /api/v1/disable {}"},
        {{"enable", "db-1"}, R"(POST /api/v1/enable {"domain":"db-1"})"},
        {{"release", "db-1"}, R"(POST /api/v1/release {"domain":"db-1"})"},
        {{"release", "--all"}, "POST /api/v1/release {}"},
        {{"release", "--", "--all"}, R"(POST /api/v1/release {"domain":"--all"})"},
    }));
    CtlFixture fixture;
    CHECK(fixture.run(line) == ExitStatus::unreachable);
    CHECK(fixture.script.sent == std::vector<std::string>{request});
    CHECK(fixture.err.str() == "ballastctl: nobody answers\n");
    CHECK(fixture.out.str().empty());
}

TEST_CASE("a wrong command line asks nothing and ends with the usage status") {
    const std::vector<std::string> line = GENERATE(values<std::vector<std::string>>({
        {},
        {"nonsense"},
        {"status", "extra"},
        {"status", "--nonsense"},
        {"explain"},
        {"explain", "a", "b"},
        {"get", "db-1"},
        {"get", "--default"},
        {"get", "", "oom_kb"},
        {"get", "db-1", ""},
        {"get", "--default", "db-1", "oom_kb"},
        {"set", "db-1", "oom_kb"},
        {"set", "db-1", "oom_kb", "1", "2"},
        {"disable", ""},
        {"release", "db-1", "--all"},
        {"check-config"},
        {"simulate"},
        {"simulate", "x.yaml", "--until", "soon"},
        {"simulate", "x.yaml", "--until", "0s"},
        {"simulate", "x.yaml", "--seed", "-1"},
        {"--api"},
    }));
    CtlFixture fixture;
    CHECK(fixture.run(line) == ExitStatus::usage);
    CHECK(fixture.script.sent.empty());
    CHECK_FALSE(fixture.err.str().empty());
}

TEST_CASE("the daemon's answer decides the exit status") {
    const auto [status, expected] = GENERATE(table<int, ExitStatus>({
        {400, ExitStatus::failed},
        {403, ExitStatus::refused},
        {404, ExitStatus::failed},
        {409, ExitStatus::refused},
        {500, ExitStatus::failed},
        {503, ExitStatus::failed},
        {504, ExitStatus::failed},
    }));
    CtlFixture fixture;
    fixture.answer(status, error("because"));
    CHECK(fixture.run({"set", "db-1", "oom_kb", "1"}) == expected);
    CHECK(fixture.err.str() == "ballastctl: because\n");
}

TEST_CASE("answers that make no sense are failures, not crashes") {
    const std::string body = GENERATE(
        as<std::string>{}, "", "{", "[]", "null", "{}", R"({"domains":7})", R"({"domains":[7]})",
        R"({"domains":[{"uuid":7}],"count":1,"tick":1})", R"({"error":"x"})");
    const std::string command = GENERATE(as<std::string>{}, "status", "domains");
    const int status = GENERATE(200, 500);
    INFO(body);
    CtlFixture fixture;
    fixture.answer(status, body);
    CHECK(fixture.run({command}) == ExitStatus::failed);
    CHECK(fixture.err.str().starts_with("ballastctl: the daemon"));
}

TEST_CASE("--api, then the default, say where the daemon is") {
    CtlFixture fixture;
    fixture.run({"status"});
    CHECK(fixture.script.path == "/default/api.sock");
    fixture.run({"--api", "/a", "status"});
    CHECK(fixture.script.path == "/a");
    fixture.run({"status", "--api", "/b"});
    CHECK(fixture.script.path == "/b");
}

TEST_CASE("status reads like a page") {
    CtlFixture fixture;
    fixture.answer(200, kStatus);
    CHECK(fixture.run({"status"}) == ExitStatus::done);
    CHECK(fixture.out.str() ==
          "daemon      ballastd 1.2, policy cmm, a tick every 1 s\n"
          "lending     on\n"
          "backend     mock, up\n"
          "last tick   7 at 2023-11-14T22:13:20.123Z, took 250 us\n"
          "host        1 GiB available of unknown\n"
          "domains     2 with 9 GiB\n"
          "lent        4 GiB, target 4 GiB, OOM credit 0 B\n"
          "constraints min_mem 1\n");
}

TEST_CASE("status tells of NUMA nodes where there are several") {
    Json status = Json::parse(kStatus);
    status["host"]["nodes"] = Json::parse(
        R"([{"node":0,"total_bytes":2147483648,"free_bytes":1073741824,"available_bytes":null}])");
    CtlFixture fixture;
    fixture.answer(200, status.dump());
    CHECK(fixture.run({"status"}) == ExitStatus::done);
    CHECK(fixture.out.str().find("node") == std::string::npos);
    status["host"]["nodes"].push_back(
        {{"node", 2}, {"total_bytes", nullptr}, {"free_bytes", 1048576}, {"available_bytes", 0}});
    fixture.answer(200, status.dump());
    CHECK(fixture.run({"status"}) == ExitStatus::done);
    CHECK_THAT(fixture.out.str(),
               Catch::Matchers::Contains("            node 0: 1 GiB free of 2 GiB\n"
                                         "            node 2: 1 MiB free of unknown\n"));
}

TEST_CASE("--json prints the daemon's fields, wherever it stands") {
    CtlFixture fixture;
    fixture.answer(200, kStatus);
    CHECK(fixture.run({"status", "--json"}) == ExitStatus::done);
    CHECK(Json::parse(fixture.out.str()) == Json::parse(kStatus));
    fixture.answer(200, R"({"domain":null,"disabled":true})");
    CHECK(fixture.run({"--json", "disable"}) == ExitStatus::done);
    CHECK(fixture.out.str() == "{\n  \"domain\": null,\n  \"disabled\": true\n}\n");
}

TEST_CASE("domains are listed from as many pages as there are") {
    CtlFixture fixture;
    fixture.answer(200, R"({"tick":1,"count":3,"offset":0,"domains":[)" + domain("a", "1") + "," +
                            domain("b", "2") + "]}");
    fixture.answer(200, R"({"tick":2,"count":3,"offset":2,"domains":[)" + domain("b", "2") + "]}");
    CHECK(fixture.run({"domains"}) == ExitStatus::done);
    CHECK(fixture.script.sent ==
          std::vector<std::string>{"GET /api/v1/domains?offset=0", "GET /api/v1/domains?offset=2"});
    CHECK(fixture.out.str() ==
          "NAME  MEMORY     LENT   TARGET    KEEPS  FREE  CREDIT  CONSTRAINT  STATE\n"
          "a      1 GiB  256 MiB  256 MiB  128 MiB     -     0 B  min_mem     disabled,paused\n"
          "b      1 GiB  256 MiB  256 MiB  128 MiB     -     0 B  min_mem     disabled,paused\n");
}

TEST_CASE("a name cannot steer the terminal") {
    CtlFixture fixture;
    fixture.answer(
        200, R"({"tick":1,"count":1,"offset":0,"domains":[)" + domain(R"(\u001b[2Jx)", "1") + "]}");
    fixture.run({"domains"});
    CHECK(fixture.out.str().find('\033') == std::string::npos);
    fixture.answer(404, error(R"(no domain '\u001b[2J')"));
    fixture.run({"explain", "\033[2J"});
    CHECK(fixture.err.str().find('\033') == std::string::npos);
}

TEST_CASE("get prints the bare value, set what it is now") {
    CtlFixture fixture;
    const std::string answer = R"({"domain":"db-1","attribute":"oom_kb","value":"64"})";
    fixture.answer(200, answer);
    CHECK(fixture.run({"get", "db-1", "oom_kb"}) == ExitStatus::done);
    CHECK(fixture.out.str() == "64\n");
    fixture.answer(200, answer);
    CHECK(fixture.run({"set", "db-1", "oom_kb", "64"}) == ExitStatus::done);
    CHECK(fixture.out.str() == "db-1: oom_kb is 64 now\n");
}

TEST_CASE("set says so where the policy does not look at the loan target") {
    const auto [status, told] = GENERATE(table<std::string, std::string>(
        {{R"({"policy": "ballast"})",
          "ballastctl: policy ballast does not look at simulate_loan_target_kb, fixed does\n"},
         {R"({"policy": "fixed"})", ""},
         {R"({"policy": 3})", ""},
         {R"([])", ""}}));
    CtlFixture fixture;
    fixture.answer(
        200, R"({"domain": "db-1", "attribute": "simulate_loan_target_kb", "value": "1024"})");
    fixture.answer(200, status);
    CHECK(fixture.run({"set", "db-1", "simulate_loan_target_kb", "1024"}) == ExitStatus::done);
    CHECK(fixture.out.str() == "db-1: simulate_loan_target_kb is 1024 now\n");
    CHECK(fixture.err.str() == told);
}

TEST_CASE("output that cannot be written is a failure") {
    CtlFixture fixture;
    fixture.answer(200, kStatus);
    fixture.out.setstate(std::ios::badbit);
    CHECK(run_cli({"status"}, fixture.environment) == ExitStatus::failed);
}

TEST_CASE("every command explains itself with examples") {
    const std::string command =
        GENERATE(as<std::string>{}, "status", "domains", "explain", "get", "set", "disable",
                 "enable", "release", "check-config", "simulate", "compare", "replay", "record");
    CtlFixture fixture;
    CHECK(fixture.run({command, "--help"}) == ExitStatus::done);
    CHECK(fixture.out.str().find("Examples:\n  ballastctl " + command) != std::string::npos);
    CHECK(fixture.err.str().empty());
    CHECK(fixture.run({"--help"}) == ExitStatus::done);
    CHECK(fixture.out.str().find("\n  " + command + " ") != std::string::npos);
}
