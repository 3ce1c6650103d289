#include "controller/http/event_stream.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>
#include <utility>

namespace ballast {
namespace {

using Json = nlohmann::ordered_json;

// As many as are there, but not for ever.
constexpr int most_at_once = 256;

void tell(std::string& into, std::string_view event, const Json& data) {
    into += fmt::format("event: {}\ndata: {}\n\n", event,
                        data.dump(-1, ' ', false, Json::error_handler_t::replace));
}

Result<Bus> open_bus(const std::string& path, bool from_oldest) {
    if (path.empty())
        return fail(Errc::unavailable,
                    "the event bus is off: the configuration has no bus.path, "
                    "or it could not be made");
    try {
        return Bus(path, from_oldest ? BALLAST_BUS_FROM_OLDEST : 0);
    } catch (const std::system_error& error) {
        return fail(Errc::unavailable, error.what(), error.code().value());
    }
}

}  // namespace

std::optional<EventStream::Place> parse_event_id(std::string_view id) {
    EventStream::Place place;
    const char* const end = id.data() + id.size();
    const auto epoch = std::from_chars(id.data(), end, place.epoch);
    if (epoch.ec != std::errc() || epoch.ptr == end || *epoch.ptr != '-') return std::nullopt;
    const auto position = std::from_chars(epoch.ptr + 1, end, place.position);
    if (position.ec != std::errc() || position.ptr != end) return std::nullopt;
    return place;
}

Result<std::unique_ptr<EventStream>> EventStream::open(Options options) {
    std::string path = options.path();
    auto bus = open_bus(path, options.from_oldest || options.after);
    if (!bus) return Failure(bus.error());
    return std::unique_ptr<EventStream>(
        new EventStream(std::move(options), std::move(path), std::move(*bus)));
}

EventStream::EventStream(Options options, std::string path, Bus bus)
    : options_(std::move(options)),
      path_(std::move(path)),
      bus_(std::move(bus)),
      behind_start_(!options_.after),
      last_told_(options_.clock->now()) {}

bool EventStream::is_before_start(std::string& into, ballast_bus_record& record) {
    if (behind_start_) return false;
    const Place& after = *options_.after;
    const bool same_writer = record.epoch == after.epoch;
    if (same_writer && record.position <= after.position) return true;
    behind_start_ = true;
    if (same_writer)
        record.lost = record.position - after.position - 1;  // more than this reader knows of
    else
        tell(into, "restarted", Json::object());
    return false;
}

void EventStream::tell_record(std::string& into, ballast_bus_record& record) {
    if (is_before_start(into, record)) return;
    if (record.lost > 0) tell(into, "lost", {{"count", record.lost}});
    const auto json = record_json(record);
    if (!json || !options_.filter.matches(*json)) return;
    into += fmt::format("id: {}-{}\n", record.epoch, record.position);
    tell(into, json->at("type").get<std::string>(), *json);
}

// The daemon may have moved its bus. False: the new one cannot be read.
bool EventStream::follow_move(std::string& into) {
    std::string path = options_.path();
    if (path.empty() || path == path_) return true;
    auto bus = open_bus(path, true);
    if (!bus) {
        tell(into, "error", {{"message", bus.error().message()}});
        return false;
    }
    path_ = std::move(path);
    bus_ = std::move(*bus);
    tell(into, "restarted", Json::object());
    return true;
}

bool EventStream::more(std::string& into) {
    const std::size_t before = into.size();
    bool drained = false;
    try {
        ballast_bus_record record;
        int patience_ms = options_.patience_ms;
        for (int count = 0; count < most_at_once; ++count) {
            const ballast_bus_answer answer = bus_.next(record, patience_ms);
            drained = answer == BALLAST_BUS_NOTHING || answer == BALLAST_BUS_WRITER_GONE;
            if (answer == BALLAST_BUS_NOTHING) break;
            patience_ms = 0;
            if (answer == BALLAST_BUS_RECORD) tell_record(into, record);
            if (answer == BALLAST_BUS_RESTARTED) tell(into, "restarted", Json::object());
            if (answer == BALLAST_BUS_WRITER_GONE) tell(into, "writer_gone", Json::object());
        }
    } catch (const std::system_error& error) {
        tell(into, "error", {{"message", error.what()}});
        return false;
    }
    if (drained && !follow_move(into)) return false;
    const Time now = options_.clock->now();
    if (into.size() == before && now - last_told_ >= options_.quiet)
        into += ": still here\n\n";  // else nobody notices that the client has gone
    if (into.size() != before) last_told_ = now;
    return true;
}

}  // namespace ballast
