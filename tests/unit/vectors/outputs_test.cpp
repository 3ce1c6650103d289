// What the samples do not cover.
#include "vectors/outputs.h"

#include <catch2/catch.hpp>

using namespace ballast;
using namespace ballast::vectors;
using Json = nlohmann::json;
using Input = nlohmann::ordered_json;

namespace {

Json qmemman(const char* kind, const char* input) {
    const auto output = qmemman_output(kind, Input::parse(input));
    REQUIRE(output);
    return *output;
}

std::string refusal(const char* kind, const char* input) {
    const auto output = qmemman_output(kind, Input::parse(input));
    REQUIRE_FALSE(output);
    CHECK(output.error().code == Errc::invalid_argument);
    return output.error().context;
}

}  // namespace

TEST_CASE("no policy is put off by a host without guests") {
    CHECK(*mom_output("", Json::parse(R"({"host":{"mem_free":[],"mem_available":null},
                                          "guests":[]})")) ==
          Json::parse(R"({"ok":false,"target":null,"applied_kib":[],"host_free_percent":null})"));
    CHECK(*proxmox_output("grow", Json::parse(R"({"vmstatus":{},"goal":1e12,"maxchange":0})")) ==
          Json::parse(R"({"new_balloon":{}})"));
    CHECK(qmemman("balloon", R"({"mem_size":-1,"domains":[]})") ==
          Json::parse(R"({"available":0,"requests":[]})"));
    CHECK(qmemman("balance_many", R"({"xen_free_mem":1000,"domains":[]})")["branch"] == "enough");
    CHECK(qmemman("clear_markers", R"({"domains":[]})") == Json::parse(R"({"domains":[]})"));
}

TEST_CASE("mom drops the cycle for all where one guest lacks what the rules read") {
    const auto output = [](const char* guest) {
        Json input = Json::parse(R"({"host":{"mem_free":[900],"mem_available":1000},"guests":[
            {"balloon_cur":[100],"balloon_max":200,"balloon_min":0,"mem_unused":[50]}]})");
        input["guests"].push_back(Json::parse(guest));
        const auto result = mom_output("failure", input);
        REQUIRE(result);
        CHECK((*result)["target"].is_null() == !(*result)["ok"].get<bool>());
        return (*result)["applied_kib"];
    };
    const Json dropped = Json::parse("[null,null]");
    CHECK(output("{}") == dropped);
    CHECK(output(R"({"balloon_cur":[100,null],"balloon_max":200,"balloon_min":0,
                     "mem_unused":[50,50]})") == dropped);
    CHECK(output(R"({"balloon_cur":[100],"balloon_max":200,"mem_unused":[50]})") == dropped);
    CHECK(output(R"({"balloon_cur":[100],"balloon_max":200,"balloon_min":0})") == dropped);
    // Nothing else is read of a guest that has all.
    CHECK(output(R"({"balloon_cur":[200],"balloon_max":200})") == Json::parse("[105,null]"));
}

TEST_CASE("a domain that may have no memory at all is divided by nothing") {
    const Json output = qmemman("balance_clamp",
                                R"({"xen_free_mem":1000,"domains":[{"domid":"0","mem_used":0,
                                    "mem_actual":0,"mem_max":0,"no_progress":false}]})");
    CHECK(output["requests"] == Json::parse(R"([["0",0]])"));
}

TEST_CASE("qmemman serves wishes for single domains in the order in which they are made") {
    constexpr const char* form = R"({"args":[{%s}],"all_phys_mem":8000000000,"phys_free_kb":[],
        "dom_mem_kb":[[4000000,4000000]],"domains":[
        {"domid":"1","static_max_kb":0,"hotplug_max_kb":0,"mem_used":null,"mem_max":1},
        {"domid":"2","static_max_kb":0,"hotplug_max_kb":0,"mem_used":null,"mem_max":1}]})";
    const auto events = [](const char* wishes) {
        std::string input = form;
        input.replace(input.find("%s"), 2, wishes);
        return qmemman("trace_do_balloon_dom", input.c_str())["events"];
    };
    CHECK(events(R"("1":1024000000,"2":2048000000)")[1][1] == "1");
    CHECK(events(R"("2":2048000000,"1":1024000000)")[1][1] == "2");
}

TEST_CASE("a replay that asks for more than was recorded says so") {
    const Json output =
        qmemman("trace_do_balance",
                R"({"args":[],"all_phys_mem":1,"domains":[],"phys_free_kb":[],"dom_mem_kb":[[]]})");
    CHECK(output["result"] == "asks for more readings than were recorded");
    CHECK(output["events"] == Json::parse(R"([["refresh"],["free"]])"));
}

TEST_CASE("inputs of qmemman that are not of their form are refused with what was expected") {
    CHECK(refusal("significant", R"({"xenfree":0,"requests":[["7",1]],"domains":[]})") ==
          "expected a domain '7' in 'domains'");
    CHECK(refusal("significant", R"({"xenfree":0,"requests":[["7"]],"domains":[]})") ==
          "expected pairs of domain and bytes in 'requests'");
    CHECK(refusal("meminfo_parse", R"({"text":7})") == "expected a text in 'text'");
    CHECK(refusal("meminfo_parse", R"({"text":"99999999999999999999999"})") ==
          "expected figures whose results fit into 64 bits");
    CHECK(refusal("pref_mem", R"({"domid":"1","mem_max":1})") == "expected a field 'mem_used'");
    CHECK(refusal("trace_do_balloon", R"({"args":[],"all_phys_mem":1,"domains":[],
                                          "phys_free_kb":[],"dom_mem_kb":[]})") ==
          "expected one size in 'args'");
    CHECK(refusal("trace_do_balance",
                  R"({"args":[],"all_phys_mem":1,"phys_free_kb":[],"dom_mem_kb":[[]],"domains":[
                      {"domid":"0","static_max_kb":0,"hotplug_max_kb":0,"mem_max":1}]})") ==
          "expected as many figures as domains in each of 'dom_mem_kb'");
}
