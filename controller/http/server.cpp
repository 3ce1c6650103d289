#include "controller/http/server.h"

#include <fmt/format.h>
#include <microhttpd.h>
#include <sys/socket.h>

#include <charconv>
#include <condition_variable>
#include <cstdarg>
#include <cstdio>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

#include "base/log.h"
#include "controller/http/connection_table.h"
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

constexpr std::chrono::milliseconds kCutEvery{500};

// Who is at the other end of one connection. Made and deleted with it.
struct Visitor {
    int fd = -1;
    std::optional<PeerIdentity> peer;
    WriteAccess write{false, "changes are made over the Unix socket only"};
};

Visitor* visitor_of(MHD_Connection* connection) noexcept {
    const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == nullptr ? nullptr : static_cast<Visitor*>(info->socket_context);
}

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

}  // namespace

struct Server::State {
    const std::optional<WriteRule> rule;
    const HostRule hosts;
    const Handler handler;
    ConnectionTable table;
    std::mutex mutex;
    std::condition_variable ended;
    bool ending = false;  // guarded by mutex
    MHD_Daemon* daemon = nullptr;
    std::thread watcher;

    State(std::optional<WriteRule> write_rule, HostRule host_rule, Handler use, const Clock& clock)
        : rule(std::move(write_rule)),
          hosts(std::move(host_rule)),
          handler(std::move(use)),
          table(rule ? ConnectionTable::Places{kMaxReaders, kMaxWriters, kMaxLocal}
                     : ConnectionTable::Places{kMaxTcpConnections, kMaxTcpConnections,
                                               kMaxTcpConnections},
                clock, [](int fd) { ::shutdown(fd, SHUT_RDWR); }) {}

    ~State() {
        if (daemon != nullptr) MHD_stop_daemon(daemon);
        {
            const std::lock_guard lock(mutex);
            ending = true;
        }
        ended.notify_all();
        if (watcher.joinable()) watcher.join();
    }

    // Peers that take too long are cut.
    void watch() {
        std::unique_lock lock(mutex);
        while (!ended.wait_for(lock, kCutEvery, [this] { return ending; })) table.cut_overdue();
    }

    // Fills `visitor` by what the kernel says of the peer. How much the peer counts.
    Rank recognise(Visitor& visitor) const {
        if (!rule) return Rank::other;
        const auto peer = peer_of(visitor.fd);
        if (!peer) {
            visitor.write = {false, peer.error().message()};
            return Rank::other;
        }
        visitor.peer = *peer;
        const auto groups = peer_groups(visitor.fd);
        visitor.write = decide_write(
            *peer, groups ? std::span<const gid_t>(*groups) : std::span<const gid_t>(), *rule);
        if (peer->uid == 0 || peer->uid == rule->own_uid) return Rank::root;
        return visitor.write.allowed ? Rank::group : Rank::other;
    }

    static void on_connection(void* self, MHD_Connection* connection, void** context,
                              MHD_ConnectionNotificationCode what) noexcept {
        State& state = *static_cast<State*>(self);
        if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
            const std::unique_ptr<Visitor> visitor(static_cast<Visitor*>(*context));
            *context = nullptr;
            if (visitor) state.table.remove(visitor->fd);
            return;
        }
        const auto* info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info == nullptr) return;
        try {
            auto visitor = std::make_unique<Visitor>();
            visitor->fd = info->connect_fd;
            const Rank rank = state.recognise(*visitor);
            state.table.add(visitor->fd, rank);
            *context = visitor.release();
        } catch (const std::exception& exception) {
            log::error("http: {}", exception.what());
            ::shutdown(info->connect_fd, SHUT_RDWR);  // nobody may stay uncounted
        }
    }

    void enter(MHD_Connection* connection, Phase phase) {
        if (const Visitor* const visitor = visitor_of(connection)) table.enter(visitor->fd, phase);
    }

    static void* begin_request(void* self, const char* target,
                               MHD_Connection* connection) noexcept {
        try {
            static_cast<State*>(self)->enter(connection, Phase::headers);
            auto incoming = std::make_unique<Incoming>();
            incoming->target = target;
            return incoming.release();
        } catch (const std::bad_alloc&) {
            return nullptr;
        }
    }

    static void end_request(void* self, MHD_Connection* connection, void** slot,
                            MHD_RequestTerminationCode) noexcept {
        static_cast<State*>(self)->enter(connection, Phase::idle);
        delete static_cast<Incoming*>(*slot);
        *slot = nullptr;
    }

    MHD_Result reply(MHD_Connection* connection, Response answer) {
        enter(connection, answer.stream ? Phase::streaming : Phase::sending);
        return send(connection, std::move(answer));
    }

    MHD_Result answer(MHD_Connection* connection, const char* method, Incoming& incoming) {
        const auto header = [&](const char* name) {
            const char* const value =
                MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
            return std::string_view(value == nullptr ? "" : value);
        };
        const std::string_view host = header(MHD_HTTP_HEADER_HOST);
        // No browser sends none.
        if (!rule && !host.empty() && !hosts.allows(host))
            return reply(connection,
                         error_reply(421, "misdirected_request",
                                     fmt::format("the Host header is '{}', expected an IP address, "
                                                 "localhost or a name of listen.host_names",
                                                 host)));
        Request request;
        request.method = method;
        request.target = std::move(incoming.target);
        request.body = std::move(incoming.body);
        request.last_event_id = header("Last-Event-ID");
        request.transport = rule ? Transport::unix_socket : Transport::tcp;
        if (const Visitor* const visitor = visitor_of(connection)) {
            request.peer = visitor->peer;
            request.write = visitor->write;
        }
        enter(connection, Phase::handling);
        return reply(connection, handler(request));
    }

    MHD_Result take(MHD_Connection* connection, const char* method, const char* data,
                    std::size_t* size, Incoming& incoming) {
        if (!std::exchange(incoming.begun, true)) {
            enter(connection, Phase::body);
            return announces_too_much(connection) ? reply(connection, too_large()) : MHD_YES;
        }
        if (*size == 0)
            return incoming.received > kMaxBodyBytes ? reply(connection, too_large())
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
            return static_cast<State*>(self)->take(connection, method, data, size, *incoming);
        } catch (const std::exception& exception) {
            log::error("http: {}", exception.what());
            return MHD_NO;
        }
    }
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(Fd listener, std::optional<WriteRule> rule,
                                              HostRule hosts, Handler handler, const Clock& clock) {
    auto state =
        std::make_unique<State>(std::move(rule), std::move(hosts), std::move(handler), clock);
    state->daemon = MHD_start_daemon(
        MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ERROR_LOG, 0,
        nullptr, nullptr, &State::on_request, state.get(), MHD_OPTION_EXTERNAL_LOGGER, &log_line,
        nullptr, MHD_OPTION_LISTEN_SOCKET, listener.get(), MHD_OPTION_CONNECTION_LIMIT,
        kMaxConnections, MHD_OPTION_CONNECTION_TIMEOUT, kIdleTimeoutSeconds,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, kMaxHeaderBytes, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, &leave_encoded, nullptr, MHD_OPTION_URI_LOG_CALLBACK,
        &State::begin_request, state.get(), MHD_OPTION_NOTIFY_COMPLETED, &State::end_request,
        state.get(), MHD_OPTION_NOTIFY_CONNECTION, &State::on_connection, state.get(),
        MHD_OPTION_END);
    if (state->daemon == nullptr) return fail(Errc::io, "cannot start the HTTP server", errno);
    static_cast<void>(listener.release());  // closed by the library when it stops
    try {
        state->watcher = std::thread([watched = state.get()] { watched->watch(); });
    } catch (const std::system_error& error) {
        return fail(Errc::io, fmt::format("no thread to watch connections: {}", error.what()));
    }
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

}  // namespace ballast
