#include "report/page.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <regex>

#include "report/digits.h"
#include "report/page_json.h"
#include "report/recorder.h"

using namespace ballast::report;
using Json = nlohmann::json;

namespace {

constexpr const char* kEvil = "</script><img src=x onerror=\"alert(1)\">&<!--";

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
}

PageRun run_of(const std::string& policy, std::size_t domains, std::size_t stretches,
               std::size_t moves) {
    PageRun run;
    run.policy = policy;
    run.ratio = 2;
    run.demand = "as recorded";
    run.host_bytes = 1000;
    run.stall_percent = 0.05;
    HistoryRecorder recorder(100, {stretches, moves, domains});
    for (std::size_t at = 0; at < 100; ++at) {
        recorder.add(static_cast<double>(at), HostFigures{500, 400, 450, 550, 0});
        for (std::size_t domain = 0; domain < domains; ++domain)
            recorder.add(static_cast<double>(at), domain,
                         {static_cast<std::int64_t>((at * 37 + domain * 11) % 100), 40, 0.001});
    }
    for (std::size_t i = 0; i < 3 * moves; ++i)
        recorder.add(Move{static_cast<double>(i % 100),
                          i % domains,
                          0,
                          static_cast<std::int64_t>(i),
                          {Why::host_short, {3, 4}, 0, {}}});
    run.history = recorder.take();
    return run;
}

Page page_of(std::size_t runs, std::size_t domains, std::size_t stretches, std::size_t moves) {
    Page page;
    page.program = "ballastctl test";
    page.goal_stall_percent = 0.1;
    page.bounds = {"static", "clairvoyant"};
    PageInput input;
    input.name = "trace.csv";
    input.length_s = 100;
    input.tick_s = 1;
    for (std::size_t i = 0; i < domains; ++i)
        input.domains.push_back({"vm-" + std::to_string(i), 100});
    for (std::size_t i = 0; i < runs; ++i)
        input.runs.push_back(run_of("p" + std::to_string(i), domains, stretches, moves));
    input.densities.push_back({"p0", "as recorded", 2});
    page.inputs.push_back(std::move(input));
    return page;
}

// What the page's own script reads.
Json data_of(const std::string& html) {
    const std::string begin = "id=\"data\">";
    const auto from = html.find(begin) + begin.size();
    return Json::parse(html.substr(from, html.find("</script>", from) - from));
}

}  // namespace

TEST_CASE("a name that is HTML stays a name") {
    Page page = page_of(1, 1, 10, 5);
    const std::string harmless = page_html(page);
    page.inputs[0].domains[0].name = kEvil;
    page.inputs[0].name = kEvil;
    page.inputs[0].runs[0].policy = kEvil;
    page.facts.push_back({kEvil, kEvil, kEvil});
    page.inputs[0].runs[0].history->moves[0].reason = {Why::told, {}, 0, kEvil};
    const std::string html = page_html(page);
    CHECK(count(html, "</script>") == count(harmless, "</script>"));
    CHECK(count(html, "<img") == 0);
    CHECK(count(html, "<!--") == 0);
    const Json data = data_of(html);
    CHECK(data["inputs"][0]["domains"][0][0] == kEvil);
    CHECK(data["inputs"][0]["name"] == kEvil);
    CHECK(data["facts"][0]["meaning"] == kEvil);
    // The harm there would be without.
    CHECK(count(page_json(page), "</script>") > 0);
}

TEST_CASE("names that are not UTF-8, empty or full of control characters leave the page whole") {
    Page page = page_of(1, 3, 10, 5);
    page.inputs[0].domains[0].name = "\xff\xfe";
    page.inputs[0].domains[1].name = "";
    page.inputs[0].domains[2].name = std::string("a\0b\n\t\"'\\", 8);
    const Json data = data_of(page_html(page));
    CHECK(data["inputs"][0]["domains"][1][0] == "");
    CHECK(data["inputs"][0]["domains"][2][0] == page.inputs[0].domains[2].name);
}

TEST_CASE("the page refers to nothing outside of itself") {
    const std::string html = page_html(page_of(1, 2, 10, 5));
    // The one address in it names the language of its charts.
    std::string rest = std::regex_replace(html, std::regex("http://www\\.w3\\.org/2000/svg"), "");
    for (const char* outside : {"http://", "https://", "//cdn", "@import", "url(", " src=", "<link",
                                "fetch(", "XMLHttpRequest", "WebSocket", "import(", "@font-face"})
        CHECK(count(rest, outside) == 0);
    CHECK(count(html, "default-src 'none'") == 1);
    // Nor does it read text as HTML or as a program.
    for (const char* reads :
         {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("})
        CHECK(count(html, reads) == 0);
    CHECK(count(html, "/*data*/") + count(html, "/*style*/") + count(html, "/*script*/") == 0);
}

TEST_CASE("the same page gives the same bytes") {
    CHECK(page_html(page_of(2, 2, 10, 5)) == page_html(page_of(2, 2, 10, 5)));
}

TEST_CASE("digits keep peaks, round outwards and know what is absent") {
    Envelope envelope{{0, 50, kAbsent, 1}, {100, 51, kAbsent, 1}};
    CHECK(digits_of(envelope, 100).substr(0, 4) == "AA/+");  // 0 and 4094 of 4094
    CHECK(digits_of(envelope, 100).substr(8, 4) == "////");
    // 1 of 100 is between two parts.
    const std::string one = digits_of(envelope, 100).substr(12, 4);
    CHECK(one.substr(0, 2) == "Ao");  // 40
    CHECK(one.substr(2, 2) == "Ap");  // 41
    CHECK(digits_of({{-5}, {500}}, 100) == "AA/+");
    CHECK(digits_of({{7, 7, 7}, {9, 9, 9}}, 100).size() == 4);
    CHECK(digits_of({{7, 7, 7}, {9, 9, 8}}, 100).size() == 12);
    CHECK(digits_of({{}, {}}, 100).empty());
    CHECK(digits_of({{0}, {0}}, 0) == "AAAA");
}

TEST_CASE("the least stall that there was can be told from none") {
    CHECK(stall_digits({0, 0}).empty());
    CHECK(stall_digits({0, 1e-9, 1e-5, 1, 2}) == "ABB//");
}

TEST_CASE("moves that were left out are counted on the page") {
    const Json data = data_of(page_html(page_of(1, 2, 10, 5)));
    const Json& history = data["inputs"][0]["runs"][0]["history"];
    CHECK(history["moves"].size() == 5);
    CHECK(history["decisions_left_out"] == 10);
    CHECK(data["why"][history["moves"][0][2].get<std::size_t>()]["title"] ==
          "host short of memory");
}

TEST_CASE("16 policies on 200 domains at 7 ratios make a page of a few megabytes") {
    constexpr std::size_t kRuns = 16 * 7;
    const Detail detail = detail_for(kRuns, 200);
    Page page = page_of(1, 200, detail.stretches, detail.moves);
    page.inputs[0].runs.resize(kRuns, page.inputs[0].runs[0]);
    const std::string html = page_html(page);
    CHECK(html.size() < 5'500'000);
    const Json runs = data_of(html)["inputs"][0]["runs"];
    for (const Json& run : runs) CHECK(!run["history"].is_null());
}

TEST_CASE("histories that would make the page too large are left out, the figures are not") {
    Page page = page_of(1, 200, 240, 40);
    page.inputs[0].runs.resize(100, page.inputs[0].runs[0]);
    const std::string html = page_html(page);
    CHECK(html.size() < 7'000'000);
    const Json runs = data_of(html)["inputs"][0]["runs"];
    CHECK(!runs.front()["history"].is_null());
    CHECK(runs.back()["history"].is_null());
    CHECK(runs.back()["stall_percent"] == 0.05);
}
