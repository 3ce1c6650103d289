// Holds the API and docs/openapi.yaml to each other.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "http_fixture.h"
#include "tests/paths.h"

using namespace ballast;
using namespace ballast::test;

namespace {

class Document {
  public:
    Document() : root_(YAML::LoadFile(source_dir() + "/docs/openapi.yaml")) {}

    YAML::Node paths() const { return root_["paths"]; }

    // The node itself, or what its $ref names.
    YAML::Node resolve(const YAML::Node& node) const {
        if (!node.IsMap() || !node["$ref"]) return node;
        YAML::Node at = YAML::Clone(root_);
        std::string reference = node["$ref"].as<std::string>().substr(2);
        for (std::size_t slash = 0; slash != std::string::npos;) {
            slash = reference.find('/');
            const YAML::Node next = at[reference.substr(0, slash)];
            INFO(reference);
            REQUIRE(next.IsDefined());
            at.reset(next);
            if (slash != std::string::npos) reference.erase(0, slash + 1);
        }
        return at;
    }

    // The schema of an operation's answer with this status.
    YAML::Node schema(const std::string& path, const std::string& method, const std::string& status,
                      const std::string& type) const {
        const YAML::Node response = resolve(paths()[path][method]["responses"][status]);
        return resolve(response["content"][type]["schema"]);
    }

    // Fails the test where `value` is not what the schema describes.
    void check(YAML::Node schema, const nlohmann::json& value, const std::string& where) const {
        schema = resolve(schema);
        INFO(where);
        if (value.is_null()) {
            CHECK((schema["nullable"] && schema["nullable"].as<bool>()));
            return;
        }
        const auto type = schema["type"].as<std::string>();
        CHECK(type_matches(type, value));
        if (schema["enum"]) {
            const auto allowed = schema["enum"].as<std::vector<std::string>>();
            CHECK(std::count(allowed.begin(), allowed.end(), value.get<std::string>()) == 1);
        }
        if (type == "array")
            for (const auto& item : value) check(schema["items"], item, where + "[]");
        if (type == "object") check_object(schema, value, where);
    }

  private:
    static bool type_matches(const std::string& type, const nlohmann::json& value) {
        return (type == "string" && value.is_string()) ||
               (type == "integer" && value.is_number_integer()) ||
               (type == "number" && value.is_number()) ||
               (type == "boolean" && value.is_boolean()) || (type == "array" && value.is_array()) ||
               (type == "object" && value.is_object());
    }

    void check_object(const YAML::Node& schema, const nlohmann::json& value,
                      const std::string& where) const {
        for (const auto& name : schema["required"]) {
            INFO(where << " lacks " << name.as<std::string>());
            CHECK(value.contains(name.as<std::string>()));
        }
        for (const auto& [name, field] : value.items()) {
            const YAML::Node known =
                schema["properties"] ? schema["properties"][name] : YAML::Node();
            const YAML::Node described = known && known.IsDefined() && !known.IsNull()
                                             ? known
                                             : YAML::Node(schema["additionalProperties"]);
            INFO(where << "." << name << " is not described");
            REQUIRE(described.IsDefined());
            REQUIRE(described.IsMap());
            check(described, field, where + "." + name);
        }
    }

    YAML::Node root_;
};

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

std::string concrete(std::string path) {
    for (const auto& [word, value] : {std::pair<std::string, std::string>("{name}", "db-1"),
                                      {"{attribute}", "min_mem_mb"},
                                      {"{id}", "3"}})
        if (const auto at = path.find(word); at != path.npos) path.replace(at, word.size(), value);
    return path;
}

}  // namespace

TEST_CASE("every documented path and method is routed, and every route is documented") {
    const Document document;
    std::set<std::string> documented;
    for (const auto& path : document.paths())
        for (const auto& operation : path.second)
            documented.insert(operation.first.as<std::string>() + " " +
                              path.first.as<std::string>());
    std::set<std::string> routed;
    for (const Api::Route& route : Api::routes())
        routed.insert(lower(route.method) + " " + std::string(route.pattern));
    CHECK(documented == routed);
}

TEST_CASE("the document's parameters are those of its paths") {
    const Document document;
    for (const auto& path : document.paths())
        for (const auto& operation : path.second) {
            std::string left = path.first.as<std::string>();
            for (const auto& entry : operation.second["parameters"]) {
                const YAML::Node parameter = document.resolve(entry);
                if (parameter["in"].as<std::string>() != "path") continue;
                const std::string word = "{" + parameter["name"].as<std::string>() + "}";
                const auto at = left.find(word);
                INFO(path.first.as<std::string>() << " " << word);
                REQUIRE(at != std::string::npos);
                left.erase(at, word.size());
            }
            INFO(path.first.as<std::string>());
            CHECK(left.find('{') == std::string::npos);
        }
}

TEST_CASE("answers are what the document says, no field more or less") {
    const Document document;
    ApiFixture fixture;
    fixture.publish();
    fixture.probe.found = probe_report();
    for (const Api::Route& route : Api::routes()) {
        const std::string pattern(route.pattern);
        const std::string body = route.method == "PUT" ? R"({"value":"512"})"
                                 : pattern == "/api/v1/reservations" && route.method == "POST"
                                     ? R"({"bytes":"1"})"
                                     : "";
        const Response response = fixture.send(std::string(route.method), concrete(pattern), body);
        INFO(route.method << " " << pattern);
        REQUIRE(response.status == 200);
        const std::string type = response.content_type.substr(0, response.content_type.find(';'));
        const YAML::Node schema = document.schema(pattern, lower(route.method), "200", type);
        REQUIRE(schema.IsDefined());
        if (type == "application/json")
            document.check(schema, nlohmann::json::parse(response.body), pattern);
    }
}

TEST_CASE("errors are what the document says") {
    const Document document;
    ApiFixture fixture;
    for (const Response& response :
         {fixture.send("GET", "/api/v1/status"), fixture.send("GET", "/nowhere"),
          fixture.send("DELETE", "/api/v1/status"), fixture.send("POST", "/api/v1/disable", "x"),
          fixture.send("PUT", "/api/v1/attributes/loaned_kb", R"({"value":"1"})")})
        document.check(document.schema("/api/v1/status", "get", "default", "application/json"),
                       nlohmann::json::parse(response.body), "error");
}

TEST_CASE("the document knows every constraint") {
    const Document document;
    const YAML::Node page =
        document.schema("/api/v1/domains/{name}", "get", "200", "application/json");
    const auto listed =
        document.resolve(page["properties"]["constraint"])["enum"].as<std::vector<std::string>>();
    std::vector<std::string> known;
    for (std::size_t i = 0; i < kConstraintCount; ++i)
        known.emplace_back(to_string(static_cast<Constraint>(i)));
    CHECK(listed == known);
}
