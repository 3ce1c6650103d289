// Runs command lines against a daemon that answers from a script.
#pragma once

#include <deque>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "ctl/cli.h"

namespace ballast::ctl::test {

struct Script {
    std::deque<tl::expected<HttpAnswer, CommandFailure>> answers;
    std::vector<std::string> sent;  // "METHOD target body"
    std::string path;               // the socket asked for
};

class ScriptedTransport final : public Transport {
  public:
    explicit ScriptedTransport(Script& script) : script_(script) {}
    tl::expected<HttpAnswer, CommandFailure> send(const std::string& method,
                                                  const std::string& target,
                                                  const std::string& body,
                                                  std::chrono::milliseconds) override {
        script_.sent.push_back(method + " " + target + (body.empty() ? "" : " " + body));
        if (script_.answers.empty())
            return tl::unexpected(CommandFailure{ExitStatus::unreachable, "nobody answers"});
        auto answer = script_.answers.front();
        script_.answers.pop_front();
        return answer;
    }

  private:
    Script& script_;
};

struct CtlFixture {
    Script script;
    std::ostringstream out;
    std::ostringstream err;
    Environment environment{out,
                            err,
                            {},
                            {},
                            "/default/api.sock",
                            [this](const std::string& path) {
                                script.path = path;
                                return std::make_unique<ScriptedTransport>(script);
                            },
                            [this](std::chrono::milliseconds time) { slept += time; }};
    std::chrono::milliseconds slept{};

    void answer(int status, std::string body) {
        script.answers.emplace_back(HttpAnswer{status, std::move(body)});
    }
    ExitStatus run(const std::vector<std::string>& arguments) {
        out.str("");
        err.str("");
        return run_cli(arguments, environment);
    }
};

}  // namespace ballast::ctl::test
