#include "model/domain_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace ballast {
namespace {

// A host's name may hold a slash, a domain's may not.
bool is_full_name(const DomainNames& names, std::size_t row, std::string_view text) noexcept {
    const std::string_view host = host_of(names, row);
    const std::string_view name = names.name[row];
    return !host.empty() && text.size() == host.size() + 1 + name.size() &&
           text.starts_with(host) && text[host.size()] == '/' && text.ends_with(name);
}

Failure ambiguous(const DomainNames& names, const std::vector<std::size_t>& rows,
                  std::string_view text) {
    std::string all;
    for (const std::size_t row : rows)
        all += fmt::format("{}{} ({})", all.empty() ? "" : ", ", full_name(names, row),
                           to_string(names.key[row]));
    return fail(Errc::refused,
                fmt::format("{} domains are called '{}': {}; name one as HOST/NAME or by its UUID",
                            rows.size(), text, all));
}

}  // namespace

std::string_view host_of(const DomainNames& names, std::size_t row) noexcept {
    return row < names.host.size() ? std::string_view(names.host[row]) : std::string_view();
}

std::string full_name(const DomainNames& names, std::size_t row) {
    const std::string_view host = host_of(names, row);
    return host.empty() ? names.name[row] : fmt::format("{}/{}", host, names.name[row]);
}

Result<std::size_t> find_domain(const DomainNames& names, std::string_view text) {
    const auto rows_where = [&](auto holds) {
        std::vector<std::size_t> rows;
        for (std::size_t row = 0; row < names.name.size(); ++row)
            if (holds(row)) rows.push_back(row);
        return rows;
    };
    // A key is written out only where the text can be one.
    const bool may_be_uuid = text.size() == to_string(DomainKey{}).size();
    auto rows = rows_where([&](std::size_t row) { return names.name[row] == text; });
    if (rows.empty())
        rows = rows_where([&](std::size_t row) {
            return is_full_name(names, row, text) ||
                   (may_be_uuid && to_string(names.key[row]) == text);
        });
    if (rows.size() == 1) return rows.front();
    if (rows.size() > 1) return ambiguous(names, rows, text);
    return fail(Errc::not_found, fmt::format("no domain '{}'", text), ENOENT);
}

}  // namespace ballast
