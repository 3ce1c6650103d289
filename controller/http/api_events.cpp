// The part of the API that follows the event bus.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "controller/http/api.h"
#include "controller/http/call.h"
#include "controller/http/event_stream.h"
#include "controller/http/reply.h"

namespace ballast {
namespace {

// Each takes a connection for as long as its client likes; others need some as well.
constexpr int most_streams = 16;
// Of these, so many over TCP: who may use the socket is not kept out by who may reach the port.
constexpr int most_tcp_streams = 12;

std::vector<std::string> values(const Target& target, std::string_view name) {
    std::vector<std::string> found;
    for (const auto& [key, value] : target.query)
        if (key == name) found.push_back(value);
    return found;
}

Result<EventStream::Options> options_of(const Target& target, const std::string& last_event_id) {
    EventStream::Options options;
    for (const auto& [name, value] : target.query) {
        if (name != "type" && name != "domain" && name != "from")
            return fail(Errc::invalid_argument, fmt::format("unknown parameter '{}'", name));
        if (name == "type" && !bus_type_from_name(value))
            return fail(Errc::invalid_argument,
                        fmt::format("type is '{}', expected one of: {}", value,
                                    fmt::join(bus_type_names(), " ")));
        if (name == "from" && value != "oldest" && value != "now")
            return fail(Errc::invalid_argument,
                        fmt::format("from is '{}', expected oldest or now", value));
        if (name == "from" && values(target, "from").size() > 1)
            return fail(Errc::invalid_argument, "parameter 'from' is given twice");
        if (name == "from") options.from_oldest = value == "oldest";
    }
    options.filter = {values(target, "type"), values(target, "domain")};
    if (!last_event_id.empty()) {
        options.after = parse_event_id(last_event_id);
        if (!options.after)
            return fail(Errc::invalid_argument,
                        fmt::format("Last-Event-ID is '{}', expected the id of an event: two "
                                    "numbers with a '-' between",
                                    last_event_id));
    }
    return options;
}

}  // namespace

Response Api::events(const Call& call) const {
    auto options = options_of(call.target, call.request.last_event_id);
    if (!options) return error_reply(options.error());
    options->path = bus_path_;
    options->clock = &clock_;
    // Gives its place back with the stream.
    const std::shared_ptr<void> place(nullptr, [count = streams_](void*) { --*count; });
    const int most = call.request.transport == Transport::tcp ? most_tcp_streams : most_streams;
    if (++*streams_ > most)
        return error_reply(
            {Errc::unavailable, fmt::format("{} clients follow the events already", most), 0});
    auto opened = EventStream::open(std::move(*options));
    if (!opened) return error_reply(opened.error());
    const std::shared_ptr<EventStream> stream = std::move(*opened);
    Response response{200, "text/event-stream; charset=utf-8", "", ""};
    response.stream = [stream, place](std::string& into) { return stream->more(into); };
    return response;
}

}  // namespace ballast
