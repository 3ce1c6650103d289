#include "policy/peers/mom.h"

#include <vector>

#include "vectors/fields.h"
#include "vectors/outputs.h"

namespace ballast::vectors {
namespace {

using Json = nlohmann::json;
using Values = std::vector<std::optional<double>>;

// None where the attribute is absent.
Values samples(const Json& object, const char* name) {
    Values result;
    if (find(object, name) == nullptr) return result;
    for (const Json& value : list(object, name))
        result.push_back(value.is_null() ? std::nullopt : std::optional(number_in(value, name)));
    return result;
}

mom::Guest read_guest(const Json& input) {
    const Values cur = samples(input, "balloon_cur");
    mom::Guest guest;
    if (!cur.empty()) guest.balloon_cur_kib = cur.back();
    guest.balloon_cur_average_kib = mom::average(cur);
    guest.mem_unused_average_kib = mom::average(samples(input, "mem_unused"));
    guest.balloon_min_kib = number_if_any(input, "balloon_min");
    guest.balloon_max_kib = number_if_any(input, "balloon_max");
    return guest;
}

// The whole cycle; a guest that fails drops it for all.
Json cycle(const std::vector<mom::Guest>& guests, std::optional<double> host_free) {
    Json targets = Json::array();
    Json applied = Json::array();
    bool ok = host_free.has_value();
    for (const mom::Guest& guest : guests) {
        const mom::Verdict verdict = ok ? mom::judge(guest, *host_free) : mom::Verdict{true, {}};
        ok = ok && !verdict.failed;
        const auto target = verdict.memory_target_kib;
        targets.push_back(target ? Json(*target) : Json());
        applied.push_back(target ? whole(*target) : Json());
    }
    if (!ok) applied = Json(guests.size(), nullptr);
    return {{"ok", ok},
            {"target", ok ? std::move(targets) : Json()},
            {"applied_kib", std::move(applied)},
            {"host_free_percent", host_free ? Json(*host_free) : Json()}};
}

}  // namespace

Result<Json> mom_output(std::string_view, const Json& input) {
    // Every kind has the same form.
    try {
        const Json& host = object_in(input, "host");
        std::vector<mom::Guest> guests;
        for (const Json& guest : list(input, "guests")) guests.push_back(read_guest(guest));
        return cycle(guests, mom::host_free(mom::average(samples(host, "mem_free")),
                                            number_if_any(host, "mem_available")));
    } catch (const BadInput& bad) {
        return fail(Errc::invalid_argument, "expected " + bad.expected);
    }
}

}  // namespace ballast::vectors
