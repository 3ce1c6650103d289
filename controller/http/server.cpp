#include "controller/http/server.h"

#include <fmt/format.h>
#include <microhttpd.h>

#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "controller/http/reply.h"

namespace ballast {
namespace {

// One request while it arrives. Made when its first line is read, deleted when it is complete.
struct Incoming {
    std::string target;
    std::string body;
    std::size_t received = 0;
    bool begun = false;
};

// A body that is too large is read and dropped up to here, so that the peer gets its answer.
constexpr std::size_t kMaxDiscardedBytes = 1024 * 1024;

struct MhdResponse {
    MHD_Response* raw;
    ~MhdResponse() { MHD_destroy_response(raw); }
};

void add_header(MHD_Response* response, const char* name, const std::string& value) {
    if (!value.empty()) MHD_add_response_header(response, name, value.c_str());
}

// What a streamed body has yet to send.
struct Streaming {
    std::function<bool(std::string& into)> more;
    std::string text;
    std::size_t sent = 0;
    bool ended = false;
};

ssize_t read_stream(void* self, std::uint64_t, char* into, std::size_t room) noexcept {
    auto& streaming = *static_cast<Streaming*>(self);
    try {
        if (streaming.sent == streaming.text.size()) {
            if (streaming.ended) return MHD_CONTENT_READER_END_OF_STREAM;
            streaming.text.clear();
            streaming.sent = 0;
            streaming.ended = !streaming.more(streaming.text);
        }
    } catch (const std::exception& exception) {
        log::error("http: {}", exception.what());
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    const std::size_t size = streaming.text.copy(into, room, streaming.sent);
    streaming.sent += size;
    return static_cast<ssize_t>(size);  // 0: the library asks again
}

MHD_Response* make_stream(std::function<bool(std::string& into)> more) {
    constexpr std::size_t block_bytes = 16 * 1024;
    auto streaming = std::make_unique<Streaming>();
    streaming->more = std::move(more);
    MHD_Response* const raw = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, block_bytes, &read_stream, streaming.get(),
        [](void* self) { delete static_cast<Streaming*>(self); });
    if (raw != nullptr) static_cast<void>(streaming.release());  // the response frees it
    return raw;
}

MHD_Response* make_text(std::string text) {
    auto body = std::make_unique<std::string>(std::move(text));
    MHD_Response* const raw = MHD_create_response_from_buffer_with_free_callback_cls(
        body->size(), body->data(), [](void* self) { delete static_cast<std::string*>(self); },
        body.get());
    if (raw != nullptr) static_cast<void>(body.release());  // the response frees it
    return raw;
}

MHD_Result send(MHD_Connection* connection, Response answer) {
    MHD_Response* const raw =
        answer.stream ? make_stream(std::move(answer.stream)) : make_text(std::move(answer.body));
    if (raw == nullptr) return MHD_NO;
    const MhdResponse response{raw};
    add_header(raw, MHD_HTTP_HEADER_CONTENT_TYPE, answer.content_type);
    add_header(raw, MHD_HTTP_HEADER_ALLOW, answer.allow);
    add_header(raw, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    add_header(raw, "X-Content-Type-Options", "nosniff");
    return MHD_queue_response(connection, static_cast<unsigned>(answer.status), raw);
}

Response too_large() {
    return error_reply(413, "too_large",
                       fmt::format("a request's body may have {} bytes", Server::kMaxBodyBytes));
}

bool announces_too_much(MHD_Connection* connection) {
    const char* length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length == nullptr) return false;
    const std::string_view text(length);
    std::uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    return error != std::errc() || bytes > Server::kMaxBodyBytes;
}

void log_line(void*, const char* format, va_list arguments) {
    char line[512];
    // Peers cause these; at debug they cannot flood the log.
    if (log::enabled(log::Level::debug) &&
        std::vsnprintf(line, sizeof(line), format, arguments) > 0)
        log::debug("http: {}", line);
}

// The library must not decode: a name may hold an encoded slash.
std::size_t leave_encoded(void*, MHD_Connection*, char* text) {
    return std::string_view(text).size();
}

void* begin_request(void*, const char* target, MHD_Connection*) noexcept {
    try {
        auto incoming = std::make_unique<Incoming>();
        incoming->target = target;
        return incoming.release();
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void end_request(void*, MHD_Connection*, void** slot, MHD_RequestTerminationCode) noexcept {
    delete static_cast<Incoming*>(*slot);
    *slot = nullptr;
}

}  // namespace

struct Server::State {
    MHD_Daemon* daemon = nullptr;
    std::optional<WriteRule> rule;
    Handler handler;

    ~State() {
        if (daemon != nullptr) MHD_stop_daemon(daemon);
    }

    WriteAccess write_access(MHD_Connection* connection) const {
        if (!rule) return {false, "changes are made over the Unix socket only"};
        const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info == nullptr) return {false, "cannot tell who is asking"};
        const auto peer = peer_of(info->connect_fd);
        if (!peer) return {false, peer.error().message()};
        // Without the user database where that decides already.
        if (auto access = decide_write(*peer, {}, *rule); access.allowed || !rule->group)
            return access;
        return decide_write(*peer, groups_of(peer->uid), *rule);
    }

    MHD_Result answer(MHD_Connection* connection, const char* method, Incoming& incoming) const {
        Request request;
        request.method = method;
        request.target = std::move(incoming.target);
        request.body = std::move(incoming.body);
        const char* const last_event_id =
            MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Last-Event-ID");
        if (last_event_id != nullptr) request.last_event_id = last_event_id;
        request.transport = rule ? Transport::unix_socket : Transport::tcp;
        if (request.method != "GET" && request.method != "HEAD")
            request.write = write_access(connection);
        return send(connection, handler(request));
    }

    MHD_Result take(MHD_Connection* connection, const char* method, const char* data,
                    std::size_t* size, Incoming& incoming) const {
        if (!std::exchange(incoming.begun, true))
            return announces_too_much(connection) ? send(connection, too_large()) : MHD_YES;
        if (*size == 0)
            return incoming.received > kMaxBodyBytes ? send(connection, too_large())
                                                     : answer(connection, method, incoming);
        incoming.received += *size;
        if (incoming.received > kMaxDiscardedBytes) return MHD_NO;
        if (incoming.received <= kMaxBodyBytes) incoming.body.append(data, *size);
        *size = 0;
        return MHD_YES;
    }

    // The library calls this once when the headers are there, again for each part of the body, and
    // once more, with no data, when the request is complete.
    static MHD_Result on_request(void* self, MHD_Connection* connection, const char*,
                                 const char* method, const char*, const char* data,
                                 std::size_t* size, void** slot) noexcept {
        auto* incoming = static_cast<Incoming*>(*slot);
        if (incoming == nullptr) return MHD_NO;
        try {
            return static_cast<const State*>(self)->take(connection, method, data, size, *incoming);
        } catch (const std::exception& exception) {
            log::error("http: {}", exception.what());
            return MHD_NO;
        }
    }
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(Fd listener, std::optional<WriteRule> rule,
                                              Handler handler) {
    auto state = std::make_unique<State>();
    state->rule = std::move(rule);
    state->handler = std::move(handler);
    state->daemon = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ERROR_LOG, 0,
        nullptr, nullptr, &State::on_request, state.get(), MHD_OPTION_EXTERNAL_LOGGER, &log_line,
        nullptr, MHD_OPTION_LISTEN_SOCKET, listener.get(), MHD_OPTION_CONNECTION_LIMIT,
        kMaxConnections, MHD_OPTION_CONNECTION_TIMEOUT, kIdleTimeoutSeconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, kMaxHeaderBytes, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, &leave_encoded, nullptr, MHD_OPTION_URI_LOG_CALLBACK,
        &begin_request, nullptr, MHD_OPTION_NOTIFY_COMPLETED, &end_request, nullptr,
        MHD_OPTION_END);
    if (state->daemon == nullptr) return fail(Errc::io, "cannot start the HTTP server", errno);
    static_cast<void>(listener.release());  // closed by the library when it stops
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

}  // namespace ballast
