#include "ctl/waiting_transport.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace ballast::ctl {
namespace {

constexpr std::chrono::milliseconds kStep{100};

// As docs/openapi.yaml says: nothing was done.
bool is_starting(const HttpAnswer& answer) {
    if (answer.status != 503) return false;
    const auto body = nlohmann::json::parse(answer.body, nullptr, false);
    if (!body.is_object() || !body.contains("error") || !body["error"].is_object()) return false;
    return body["error"].value("code", nlohmann::json()) == "starting";
}

class WaitingTransport final : public Transport {
  public:
    WaitingTransport(std::unique_ptr<Transport> transport, std::chrono::milliseconds patience,
                     Sleep sleep, std::function<void()> waits)
        : transport_(std::move(transport)),
          left_(patience),
          sleep_(std::move(sleep)),
          waits_(std::move(waits)) {}

    tl::expected<HttpAnswer, CommandFailure> send(const std::string& method,
                                                  const std::string& target,
                                                  const std::string& body,
                                                  std::chrono::milliseconds patience) override {
        for (;;) {
            auto answer = transport_->send(method, target, body, patience);
            const bool may_come = answer ? is_starting(*answer) : answer.error().nobody_listens;
            if (!may_come || left_.count() <= 0) return answer;
            if (waits_) std::exchange(waits_, nullptr)();
            const auto step = std::min(kStep, left_);
            sleep_(step);
            left_ -= step;
        }
    }

  private:
    std::unique_ptr<Transport> transport_;
    std::chrono::milliseconds left_;
    Sleep sleep_;
    std::function<void()> waits_;
};

}  // namespace

std::unique_ptr<Transport> make_waiting_transport(std::unique_ptr<Transport> transport,
                                                  std::chrono::milliseconds patience, Sleep sleep,
                                                  std::function<void()> waits) {
    return std::make_unique<WaitingTransport>(std::move(transport), patience, std::move(sleep),
                                              std::move(waits));
}

}  // namespace ballast::ctl
