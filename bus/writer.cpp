#include "bus/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <system_error>

namespace ballast {
namespace {

// Raised where a structure has grown.
std::uint16_t structure_version(std::uint16_t type) noexcept {
    return type == BALLAST_BUS_GUEST || type == BALLAST_BUS_TICK ? 2 : 1;
}

}  // namespace

Result<std::unique_ptr<BusWriter>> BusWriter::create(const std::string& path,
                                                     const BusFile::Options& options,
                                                     const Clock& clock) {
    auto file = BusFile::create(path, options, clock);
    if (!file) return with_context(file.error(), "event bus");
    try {
        return std::unique_ptr<BusWriter>(new BusWriter(std::move(*file), clock));
    } catch (const std::system_error& error) {
        return fail(Errc::io,
                    fmt::format("event bus: no thread to wake readers: {}", error.what()));
    }
}

BusWriter::BusWriter(std::unique_ptr<BusFile> file, const Clock& clock)
    : clock_(clock),
      file_(std::move(file)),
      ring_(file_->header(), file_->slots(), file_->slot_count()),
      waker_(*file_) {}

void BusWriter::publish_bytes(std::uint16_t type, std::span<const std::byte> payload) noexcept {
    if (!in_batch_) {
        now_ = {clock_.wall_now().time_since_epoch() / Duration(1),
                clock_.now().time_since_epoch() / Duration(1)};
        in_batch_ = true;
    }
    ring_.publish(type, structure_version(type), now_, payload);
}

void BusWriter::publish_notice(ballast_bus_type type, std::string_view text) noexcept {
    ballast_bus_notice notice{};
    copy_text(notice.text, text);
    const std::size_t size = std::strlen(notice.text) + 1;
    publish_bytes(type, std::as_bytes(std::span(notice.text, size)));
}

void BusWriter::commit() noexcept {
    if (!in_batch_) return;
    in_batch_ = false;
    ring_.publish_head();
    const bool waited_for = file_->is_waited_for();
    ring_.change_word();
    if (waited_for) waker_.nudge();
}

void copy_text(std::span<char> into, std::string_view text) noexcept {
    std::size_t size = std::min(text.size(), into.size() - 1);
    // Not in the middle of a character: bytes 10xxxxxx go on with one.
    const auto goes_on = [&](std::size_t at) {
        return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
    };
    while (size > 0 && size < text.size() && goes_on(size)) --size;
    std::memset(into.data(), 0, into.size());
    std::memcpy(into.data(), text.data(), size);
}

ballast_bus_domain bus_domain(std::span<const unsigned char, 16> uuid,
                              std::string_view name) noexcept {
    ballast_bus_domain domain{};
    std::copy(uuid.begin(), uuid.end(), domain.uuid);
    copy_text(domain.name, name);
    return domain;
}

}  // namespace ballast
