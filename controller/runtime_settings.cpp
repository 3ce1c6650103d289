#include "controller/runtime_settings.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "base/log.h"

namespace ballast {
namespace {

class Text {
  public:
    void add(Attribute attribute, std::optional<std::uint64_t> value) {
        if (!value) return;
        text_ += fmt::format("{}{}={}", text_.empty() ? "" : " ", to_string(attribute), *value);
    }
    void add(Attribute attribute, std::optional<bool> value) {
        if (value) add(attribute, std::optional<std::uint64_t>(*value ? 1 : 0));
    }
    void add(Attribute attribute, std::optional<Duration> value) {
        if (!value) return;
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*value).count();
        add(attribute, std::optional(static_cast<std::uint64_t>(seconds)));
    }
    void add(const DomainOverride& settings) {
        add(Attribute::hotplug_delay, settings.hotplug_delay);
        add(Attribute::oom_kb, settings.oom_kb);
        add(Attribute::min_mem_mb, settings.min_mem_mb);
        add(Attribute::disable, settings.disable);
        add(Attribute::simulate_loan_target_kb, settings.simulate_loan_target_kb);
    }
    std::string take() noexcept { return std::move(text_); }

  private:
    std::string text_;
};

template <class Take>
void for_each_setting(std::string_view text, std::string_view whose, Take take) {
    while (!text.empty()) {
        const std::size_t end = text.find(' ');
        const std::string_view entry = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const std::size_t sign = entry.find('=');
        const auto attribute = attribute_from_name(entry.substr(0, sign));
        const auto value = attribute && sign != std::string_view::npos
                               ? parse_attribute(*attribute, entry.substr(sign + 1))
                               : Result<std::uint64_t>(fail(Errc::bad_data, "no setting"));
        if (value)
            take(*attribute, *value);
        else
            log::warn("{}: the stored setting '{}' is ignored: {}", whose, entry,
                      attribute ? value.error().message() : attribute.error().message());
    }
}

}  // namespace

void set_override(Attribute attribute, std::uint64_t value, DomainOverride& into) {
    switch (attribute) {
        case Attribute::hotplug_delay:
            into.hotplug_delay = std::chrono::seconds(value);
            return;
        case Attribute::oom_kb:
            into.oom_kb = value;
            return;
        case Attribute::min_mem_mb:
            into.min_mem_mb = value;
            return;
        case Attribute::disable:
            into.disable = value != 0;
            return;
        case Attribute::simulate_loan_target_kb:
            into.simulate_loan_target_kb = value;
            return;
        case Attribute::delay:
        case Attribute::debug:
        case Attribute::simulate:
        case Attribute::loaned_kb:
        case Attribute::loaned_target_kb:
        case Attribute::oom_freed_kb:
            return;
    }
}

std::string to_text(const DomainOverride& settings) {
    Text text;
    text.add(settings);
    return text.take();
}

std::string to_text(const RuntimeSettings& settings) {
    Text text;
    text.add(Attribute::delay, settings.delay);
    text.add(Attribute::debug, settings.debug);
    text.add(settings.defaults);
    return text.take();
}

DomainOverride domain_settings_from(std::string_view text, std::string_view whose) {
    DomainOverride settings;
    for_each_setting(text, whose, [&](Attribute attribute, std::uint64_t value) {
        set_override(attribute, value, settings);
    });
    return settings;
}

RuntimeSettings runtime_settings_from(std::string_view text) {
    RuntimeSettings settings;
    for_each_setting(text, "all domains", [&](Attribute attribute, std::uint64_t value) {
        if (attribute == Attribute::delay) settings.delay = std::chrono::seconds(value);
        if (attribute == Attribute::debug) settings.debug = value != 0;
        set_override(attribute, value, settings.defaults);
    });
    return settings;
}

}  // namespace ballast
