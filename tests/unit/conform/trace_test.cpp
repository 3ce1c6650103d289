#include "conform/trace.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/conformance/traces.h"

using namespace ballast;
using namespace ballast::conform;
using Catch::Matchers::Contains;

namespace {

const std::string meta = R"({"ev":"meta","page_kb":64,"kt_minus_t":0.5})"
                         "\n";
const std::string boot = R"({"ev":"boot","MemTotal_kb":1018112,"mem_block_size":"1000000"})"
                         "\n";

std::string problem_of(const std::string& text) {
    const auto trace = read_trace(text, "t.jsonl");
    return trace ? "" : trace.error().message();
}

}  // namespace

TEST_CASE("times of the kernel's log and of the agent become one, and order the entries") {
    const auto trace = read_trace(
        meta + boot +
            R"({"ev":"kmsg","kt":3.0,"msg":"b"})"
            "\n" +
            R"({"ev":"poll","kt":2.0,"delta":-3,"loaned":4,"target":1,"oom":0,"totalram":9})"
            "\n" +
            R"({"ev":"action","op":"set","t":1.0,"arg":"a","value":"1","rc":-1,"errno":22})"
            "\n",
        "t.jsonl");
    REQUIRE(trace);
    CHECK(trace->page_bytes == 65536);
    CHECK(trace->memory_bytes == 1018112 * 1024ULL);
    CHECK(trace->block_bytes == 16 * 1024 * 1024);
    REQUIRE(trace->entries.size() == 3);
    CHECK(trace->entries[0].line == 5);
    CHECK(std::get<TracedAction>(trace->entries[0].what).sys_errno == 22);
    CHECK(trace->entries[1].at == std::chrono::milliseconds(1500));
    CHECK(std::get<TracedPoll>(trace->entries[1].what).delta_pages == -3);
    CHECK(trace->entries[2].at == std::chrono::milliseconds(2500));
}

TEST_CASE("a poll that stands in the kernel's log as it is printed is a poll") {
    const auto trace = read_trace(
        meta + boot +
            R"({"ev":"kmsg","kt":1,"msg":"cmm: delta = -8, loaned = 9, target = 1, oom = 2, totalram = 7"})",
        "t");
    REQUIRE(trace);
    const auto& poll = std::get<TracedPoll>(trace->entries.at(0).what);
    CHECK(poll.delta_pages == -8);
    CHECK(poll.managed_pages == 7);
}

TEST_CASE("kinds of lines and fields that are not known are skipped") {
    const auto trace = read_trace(meta + boot + "{\"ev\":\"weather\",\"t\":\"warm\"}\n\n", "t");
    REQUIRE(trace);
    CHECK(trace->entries.empty());
}

TEST_CASE("what is no trace is refused with its place and what was expected") {
    const auto [text, problem] = GENERATE(table<std::string, std::string>({
        {"", "t.jsonl:1: no line of kind 'meta'"},
        {"\x7f\x45LF", "t.jsonl:1: no JSON object"},
        {"[1]\n", "t.jsonl:1: no JSON object"},
        {"{}\n", "t.jsonl:1: no field 'ev'"},
        {R"({"ev":7})", "t.jsonl:1: 'ev' is no text"},
        {boot, "'boot' comes before 'meta'"},
        {R"({"ev":"meta","page_kb":16,"kt_minus_t":0})", "'page_kb' is 16, expected 4 or 64"},
        {R"({"ev":"meta","page_kb":-4,"kt_minus_t":0})", "'page_kb' is -4, expected 0 or more"},
        {R"({"ev":"meta","page_kb":4,"kt_minus_t":1e300})", "'kt_minus_t' is no time"},
        {meta, "no line of kind 'boot'"},
        {meta + meta, "t.jsonl:2: a second 'meta'"},
        {meta + R"({"ev":"boot","MemTotal_kb":7,"mem_block_size":"1000000"})",
         "'MemTotal_kb' is 7"},
        {meta + R"({"ev":"boot","MemTotal_kb":1e99,"mem_block_size":"1000000"})",
         "'MemTotal_kb' is no whole number"},
        {meta + R"({"ev":"boot","MemTotal_kb":1018112,"mem_block_size":"10001"})",
         "expected a power of two"},
        {meta + R"({"ev":"boot","MemTotal_kb":1018112,"mem_block_size":"x"})",
         "expected a power of two"},
        {meta + boot + R"({"ev":"poll","kt":1,"delta":0,"loaned":-1,"target":0,"oom":0})",
         "t.jsonl:3: 'loaned' is -1"},
        {meta + boot +
             R"({"ev":"poll","kt":"1","delta":0,"loaned":0,"target":0,"oom":0,"totalram":0})",
         "'kt' is no time in seconds"},
        {meta + boot + R"({"ev":"poll","kt":1,"delta":1.5})", "'delta' is no whole number"},
        {meta + boot + R"({"ev":"sample","t":1})", "no field 'MemTotal_kb'"},
        {meta + boot + R"({"ev":"action","t":1})", "no field 'op'"},
        {meta + boot + R"({"ev":"action","op":"set","t":1,"rc":-1,"errno":0})",
         "'rc' says that it failed, 'errno' that not"},
        {meta + boot + R"({"ev":"kmsg","kt":1,"msg":"cmm: delta = x"})", "cannot be read"},
        {meta + boot + R"({"ev":"kmsg","kt":1,"msg":)", "t.jsonl:3: no JSON object"},
    }));
    INFO(text);
    CHECK_THAT(problem_of(text), Contains(problem));
}

TEST_CASE("a damaged trace is refused or replayed, and never more than that") {
    const std::string good = contents(trace_folder() / "00_smoke.64k.jsonl");
    std::mt19937 random(1);  // NOLINT: the same damage in every run
    for (int i = 0; i < 300; ++i) {
        std::string bad = good;
        if (i % 3 == 0) bad.resize(random() % bad.size());
        for (unsigned hits = random() % 4; hits > 0 && !bad.empty(); --hits)
            bad[random() % bad.size()] = static_cast<char>("0123456789-{}\",:e\0x"[random() % 19]);
        const auto trace = read_trace(bad, "bad");
        if (!trace) {
            CHECK_THAT(trace.error().message(), Contains("bad:"));
            continue;
        }
        const auto comparison = replay(*trace);
        if (!comparison) CHECK_FALSE(comparison.error().message().empty());
    }
}

TEST_CASE("vectors that are no table are refused with their place") {
    const std::string header =
        "page_kb,simulate_loan_target_kb,min_mem_mb,loaned_pages,"
        "totalram_pages,oom_pages,delta,target_pages,action,requested\n";
    const auto [text, problem] = GENERATE_COPY(table<std::string, std::string>({
        {"", "v.csv: empty"},
        {"a,b\n", "v.csv:1: no column 'page_kb'"},
        {header + "4,0\n", "v.csv:2: 2 fields, expected 10"},
        {header + "4,x,0,0,0,0,0,0,none,\n",
         "v.csv:2: simulate_loan_target_kb is 'x', expected a whole number"},
        {header + "4,-1,0,0,0,0,0,0,none,\n", "simulate_loan_target_kb is '-1'"},
        {header + "0,0,0,0,0,0,0,0,none,\n", "expected pages of 4 or 64 KiB"},
        {header + "4,0,0,9999999999999999,0,0,0,0,none,\n", "up to 2^51"},
        {header + "4,0,0,0,0,0,1e3,0,none,\n", "delta is '1e3'"},
    }));
    const auto vectors = compare_vectors(text, "v.csv");
    REQUIRE_FALSE(vectors);
    CHECK_THAT(vectors.error().message(), Contains(problem));
}
