// The part of the API about backends.
#include <fmt/format.h>

#include <chrono>

#include "base/units.h"
#include "controller/http/api.h"
#include "controller/http/audit.h"
#include "controller/http/call.h"
#include "controller/http/json.h"
#include "controller/http/reply.h"

namespace ballast {
namespace {

constexpr Duration kMostPatience = std::chrono::hours(1);

Json text_or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

Json backend_json(const ModuleInfo& module) {
    const double running_s = std::chrono::duration<double>(module.running_for).count();
    return {{"name", module.name},
            {"state", to_string(module.state)},
            {"in_charge", module.in_charge},
            {"users", module.users},
            {"permanent", module.permanent},
            {"tainted", module.tainted},
            {"kind", text_or_null(module.kind)},
            {"version", text_or_null(module.version)},
            {"description", text_or_null(module.description)},
            {"path", text_or_null(module.path)},
            {"generation", module.generation},
            {"scheme", module.scheme},
            {"reference_faults",
             {{"underflows", module.faults.underflows},
              {"overflows", module.faults.overflows},
              {"gets_after_gone", module.faults.gets_after_gone}}},
            {"running_call", text_or_null(module.running_call)},
            {"running_call_seconds", running_s}};
}

std::string code_of(const std::string& path) {
    return path.empty() ? "built in" : path;
}

// What is loaded under the name now; empty: nothing.
std::string loaded_as(const BackendAdmin& backends, const std::string& name) {
    std::string found;
    for (const ModuleInfo& module : backends.list())
        if (module.name == name) found = code_of(module.path) + ", version " + module.version;
    return found;
}

Result<Change> change_to(const Result<void>& done, std::string before, std::string after) {
    if (!done) return Failure(done.error());
    return Change{std::move(before), std::move(after)};
}

Result<UnloadRequest::Mode> mode_of(const std::string& text) {
    if (text == "wait") return UnloadRequest::Mode::wait;
    if (text == "nonblock") return UnloadRequest::Mode::nonblock;
    if (text == "force") return UnloadRequest::Mode::force;
    return fail(Errc::invalid_argument,
                fmt::format("mode is '{}', expected wait, nonblock or force", text));
}

}  // namespace

Response Api::backends(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    Json list = Json::array();
    for (const ModuleInfo& module : backends_.list()) list.push_back(backend_json(module));
    return json_reply({{"backends", std::move(list)}});
}

Response Api::load_backend(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const auto path = call.body_field("path");
    if (!path) return error_reply(path.error());
    const std::string name = call.parameter("name");
    const std::string file = path->value_or("");
    const std::string before = loaded_as(backends_, name);
    const auto done = backends_.load(name, file);
    audit(call.request, "load_backend", {{"backend", name}}, code_of(file),
          change_to(done, before, loaded_as(backends_, name)));
    if (!done) return error_reply(done.error());
    return json_reply({{"backend", name}, {"loaded", true}});
}

Response Api::unload_backend(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    auto fields = call.body_fields({"mode", "patience", "loans"});
    if (!fields) return error_reply(fields.error());
    UnloadRequest request;
    request.name = call.parameter("name");
    if (fields->contains("mode")) {
        const auto mode = mode_of((*fields)["mode"]);
        if (!mode) return error_reply(mode.error());
        request.mode = *mode;
    }
    if (fields->contains("patience")) {
        const auto patience = parse_duration((*fields)["patience"]);
        if (!patience || *patience > kMostPatience)
            return error_reply({Errc::invalid_argument,
                                fmt::format("patience is '{}', expected a time of at most {}",
                                            (*fields)["patience"], format_duration(kMostPatience)),
                                0});
        request.patience = *patience;
    }
    if (fields->contains("loans")) {
        const std::string& loans = (*fields)["loans"];
        if (loans != "keep" && loans != "return")
            return error_reply({Errc::invalid_argument,
                                fmt::format("loans is '{}', expected keep or return", loans), 0});
        request.keep_loans = loans == "keep";
    }
    const std::string before = loaded_as(backends_, request.name);
    const auto done = backends_.unload(request);
    audit(call.request, "unload_backend", {{"backend", request.name}}, "",
          change_to(done, before, ""));
    if (!done) return error_reply(done.error());
    return json_reply({{"backend", request.name}, {"unloaded", true}});
}

Response Api::lock_backend(const Call& call) const {
    if (auto checked = call.only_parameters({}); !checked) return error_reply(checked.error());
    const std::string name = call.parameter("name");
    const auto done = backends_.lockdown(name);
    audit(call.request, "lock_backend", {{"backend", name}}, "permanent",
          change_to(done, "", "permanent"));
    if (!done) return error_reply(done.error());
    return json_reply({{"backend", name}, {"permanent", true}});
}

}  // namespace ballast
