#include <fmt/format.h>

#include "base/units.h"
#include "ctl/session.h"
#include "ctl/text.h"

namespace ballast::ctl {
namespace {

std::string size_or_unknown(const Json& bytes) {
    return bytes.is_null() ? "unknown" : format_size(bytes.get<std::uint64_t>());
}

std::string duration(const Json& seconds) {
    const double value = seconds.get<double>();
    if (value < 0.001) return fmt::format("{:.0f} us", value * 1e6);
    if (value < 1) return fmt::format("{:.3g} ms", value * 1e3);
    return fmt::format("{:g} s", value);
}

std::string constraints(const Json& by_name) {
    std::string out;
    for (const auto& [name, count] : by_name.items())
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, count.get<std::uint64_t>());
    return out.empty() ? "none" : out;
}

std::string_view lending(bool disabled, bool dry_run) {
    if (dry_run) return disabled ? "switched off, dry run" : "dry run: decided on, nothing moves";
    return disabled ? "switched off" : "on";
}

class StatusText {
  public:
    explicit StatusText(bool colours) : colours_(colours) {}
    void line(std::string_view label, std::string_view text, Colour colour = Colour::none) {
        const std::string padded = fmt::format("{:<12}", label);
        out_ +=
            paint(padded, Colour::bold, colours_) + paint(printable(text), colour, colours_) + "\n";
    }
    const std::string& text() const { return out_; }

  private:
    bool colours_;
    std::string out_;
};

void add_state(StatusText& text, const Json& state) {
    const auto path = state.at("path");
    if (path.is_null()) return;  // a simulated hypervisor, or a dry run: nothing outlives it
    const bool fails = !state.at("write_error").is_null();
    text.line("state", path.get<std::string>() + (fails ? ", cannot be written" : ""),
              fails ? Colour::red : Colour::none);
    if (fails)
        text.line("", state.at("write_error").get<std::string>() + "; no domain is to lend more",
                  Colour::red);
    if (!state.at("damage").is_null())
        text.line("", "was damaged: " + state.at("damage").get<std::string>(), Colour::red);
    if (const auto recovered = state.at("recovered_domains").get<std::uint64_t>(); recovered > 0)
        text.line("", fmt::format("{} domains taken over from their libvirt metadata", recovered),
                  Colour::yellow);
}

void add_settings(StatusText& text, const Json& settings) {
    const auto domains = settings.at("domains").get<std::uint64_t>();
    const auto& all = settings.at("all_domains");
    if (all.is_null() && domains == 0) return;
    std::string what = all.is_null() ? "" : all.get<std::string>();
    if (domains > 0)
        what += fmt::format("{}{} domains have settings of their own", what.empty() ? "" : "; ",
                            domains);
    text.line("set by hand", what, Colour::yellow);
}

std::string render(const Json& status, const Terminal& terminal) {
    StatusText text(terminal.colour);
    const Json& backend = status.at("backend");
    const Json& tick = status.at("tick");
    const Json& host = status.at("host");
    const Json& domains = status.at("domains");
    const bool up = backend.at("up").get<bool>();
    const bool disabled = status.at("disabled").get<bool>();
    const auto size = [](const Json& bytes) { return format_size(bytes.get<std::uint64_t>()); };

    text.line("daemon", fmt::format("ballastd {}, policy {}, a tick every {}",
                                    status.at("version").get<std::string>(),
                                    status.at("policy").get<std::string>(),
                                    duration(status.at("delay_seconds"))));
    const bool dry_run = status.value("dry_run", false);
    text.line("lending", lending(disabled, dry_run),
              disabled || dry_run ? Colour::yellow : Colour::none);
    text.line("backend", backend.at("name").get<std::string>() + (up ? ", up" : ", not reachable"),
              up ? Colour::none : Colour::red);
    if (!backend.at("error").is_null())
        text.line("", backend.at("error").get<std::string>(), Colour::red);
    text.line("last tick",
              fmt::format("{} at {}, took {}", tick.at("number").get<std::uint64_t>(),
                          tick.at("time").get<std::string>(), duration(tick.at("took_seconds"))));
    const Json reserve = host.value("reserve_bytes", Json(0));
    text.line("host",
              fmt::format("{} available of {}{}", size_or_unknown(host.at("available_bytes")),
                          size_or_unknown(host.at("total_bytes")),
                          reserve == 0 ? "" : fmt::format(", {} reserved", size(reserve))));
    const Json nodes = host.value("nodes", Json::array());
    if (nodes.size() > 1)
        for (const Json& node : nodes)
            text.line("",
                      fmt::format("node {}: {} free of {}{}", node.at("node").get<unsigned>(),
                                  size_or_unknown(node.at("free_bytes")),
                                  size_or_unknown(node.at("total_bytes")),
                                  node.value("short", false) ? ", short" : ""),
                      node.value("short", false) ? Colour::red : Colour::none);
    text.line("domains", fmt::format("{} with {}", domains.at("count").get<std::uint64_t>(),
                                     size(domains.at("total_bytes"))));
    text.line("lent",
              fmt::format("{}, {} {}, OOM credit {}", size(domains.at("loaned_bytes")),
                          dry_run ? "would lend" : "target",
                          size(domains.at(dry_run ? "would_lend_bytes" : "loan_target_bytes")),
                          size(domains.at("oom_freed_bytes"))));
    text.line("constraints", constraints(domains.at("constraints")));
    // Older daemons do not report these.
    if (status.contains("state")) add_state(text, status.at("state"));
    if (status.contains("runtime_settings")) add_settings(text, status.at("runtime_settings"));
    if (status.contains("bus")) {
        const Json& path = status.at("bus").at("path");
        text.line("event bus", path.is_null() ? "off" : path.get<std::string>());
    }
    return text.text();
}

}  // namespace

void add_status_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand(
        "status", "The daemon, its hypervisor, the last tick and what is lent in all");
    command->footer("Examples:\n  ballastctl status\n  ballastctl status --json");
    command->callback([&session] {
        session.command = [&session] {
            const Answer answer = session.client().status();
            if (!answer) return session.fail(answer.error());
            if (session.json) return session.print(*answer);
            session.environment.out << render(*answer, session.environment.out_terminal);
            return ExitStatus::done;
        };
    });
}

}  // namespace ballast::ctl
