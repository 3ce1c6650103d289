#include "ctl/transport.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace ballast::ctl {
namespace {

constexpr long kConnectTimeoutMs = 3000;
constexpr std::size_t kMaxAnswerBytes = std::size_t{64} * 1024 * 1024;

struct CurlGlobal {
    const CURLcode status = curl_global_init(CURL_GLOBAL_DEFAULT);
    ~CurlGlobal() { curl_global_cleanup(); }
};

void init_curl() {
    static const CurlGlobal global;
    static_cast<void>(global);
}

using Handle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

std::size_t append(char* data, std::size_t, std::size_t size, void* into) noexcept {
    auto& body = *static_cast<std::string*>(into);
    try {
        if (body.size() + size > kMaxAnswerBytes) return 0;
        body.append(data, size);
        return size;
    } catch (const std::bad_alloc&) {
        return 0;
    }
}

class SocketTransport final : public Transport {
  public:
    explicit SocketTransport(const std::string& path)
        : path_(path), handle_((init_curl(), curl_easy_init()), &curl_easy_cleanup) {}

    tl::expected<HttpAnswer, CommandFailure> send(const std::string& method,
                                                  const std::string& target,
                                                  const std::string& body,
                                                  std::chrono::milliseconds patience) override {
        CURL* curl = handle_.get();
        if (curl == nullptr) return unreachable("libcurl does not start");
        HttpAnswer answer;
        char detail[CURL_ERROR_SIZE] = "";
        const std::string url = "http://localhost" + target;
        curl_easy_reset(curl);  // keeps the connection
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path_.c_str());
        curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
        curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);  // a domain may be named ".."
        curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(patience.count()));
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &append);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
        if (method != "GET") {
            curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method.c_str());
            curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
            curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
        }
        const CURLcode code = curl_easy_perform(curl);
        if (code != CURLE_OK)
            return unreachable(reason(code, detail), code == CURLE_COULDNT_CONNECT);
        long status = 0;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        answer.status = static_cast<int>(status);
        return answer;
    }

  private:
    std::string reason(CURLcode code, const char* detail) const {
        long error = 0;
        curl_easy_getinfo(handle_.get(), CURLINFO_OS_ERRNO, &error);
        if (code == CURLE_COULDNT_CONNECT && error != 0)
            return std::generic_category().message(static_cast<int>(error));
        return *detail != '\0' ? detail : curl_easy_strerror(code);
    }

    tl::unexpected<CommandFailure> unreachable(const std::string& why,
                                               bool nobody_listens = false) const {
        return tl::unexpected(CommandFailure{
            ExitStatus::unreachable, fmt::format("cannot reach the daemon at {}: {}", path_, why),
            nobody_listens});
    }

    std::string path_;
    Handle handle_;
};

}  // namespace

std::unique_ptr<Transport> make_socket_transport(const std::string& socket_path) {
    return std::make_unique<SocketTransport>(socket_path);
}

std::string encode_segment(const std::string& segment) {
    const std::unique_ptr<char, decltype(&curl_free)> encoded(
        curl_easy_escape(nullptr, segment.c_str(), static_cast<int>(segment.size())), &curl_free);
    return encoded ? encoded.get() : "";
}

}  // namespace ballast::ctl
