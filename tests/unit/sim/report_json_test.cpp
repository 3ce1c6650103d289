#include <catch2/catch.hpp>

#include "tests/unit/sim/report_fixture.h"

using namespace ballast;
using namespace ballast::test;
using Catch::Matchers::Contains;

TEST_CASE("a report as JSON has these fields, in this order") {
    DomainReport domain = busy_domain();
    const std::string json = report_json(report_of({domain}));
    const std::string head = R"({
  "description": "Two guests, one busy.",
  "backend": "mock",
  "policy": "cmm",
  "profile": "safe",
  "seed": 7,
  "duration_seconds": 120.0,
  "ticks": 120,
  "events": 3,
  "observe_failures": 0,
  "refused_settings": 0,
  "host": {
    "total_bytes": 2147483648,
    "available_start_bytes": 0,
    "available_bytes": 268435456
  },
  "series_step_seconds": 2.0,
  "domains": [
    {
      "name": "db",
      "present": true,
      "total_bytes": 1073741824,
      "loaned_bytes": 268435456,
      "loan_target_bytes": 335544320,
      "oom_freed_bytes": 16777216,
      "constraint": "oom_credit",
      "most_loaned_bytes": 536870912,
      "inflated_bytes": 629145600,
      "deflated_bytes": 360710144,
      "events": {
        "oom": 2,
        "hotplug_began": 1
      },
      "oom_bytes": 16777216,
      "short_moves": {
        "refused": 3
      },
      "ticks_by_constraint": {
        "none": 10,
        "min_mem": 1,
        "oom_credit": 5
      },
      "loaned_series_bytes": [
        0,
        16777216,
)";
    CHECK(json.substr(0, head.size()) == head);
    const std::string tail = R"(
        973078528,
        null
      ]
    }
  ]
}
)";
    REQUIRE(json.size() > tail.size());
    CHECK(json.substr(json.size() - tail.size()) == tail);
}

TEST_CASE("a report of nothing is JSON too, with null for what is not known") {
    const std::string json = report_json({});
    CHECK_THAT(json, Contains(R"("total_bytes": null)"));
    CHECK_THAT(json, Contains(R"("domains": [])"));
}

TEST_CASE("text that is no UTF-8 or needs quotes is quoted, never thrown over") {
    SimulationReport report = report_of({quiet_domain("a\xff\"b")});
    report.description = "line\nbreak";
    const std::string json = report_json(report);
    CHECK_THAT(json, Contains("\"a\xef\xbf\xbd\\\"b\""));
    CHECK_THAT(json, Contains(R"(line\nbreak)"));
}

TEST_CASE("the largest figures keep every digit") {
    DomainReport domain = quiet_domain("g");
    domain.inflated_bytes = UINT64_MAX - 1;
    CHECK_THAT(report_json(report_of({domain})),
               Contains(R"("inflated_bytes": 18446744073709551614)"));
}
