// What domains are called, and which one is meant.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/domain.h"

namespace ballast {

// Names and keys of the rows; shared by all snapshots between two membership changes.
struct DomainNames {
    std::vector<DomainKey> key;
    std::vector<std::string> name;
    // Which host each is on, where a backend looks after several; empty (the text, or the whole
    // column) where it does not.
    std::vector<std::string> host{};
};

// The host of a row; empty where the backend has one host alone.
std::string_view host_of(const DomainNames& names, std::size_t row) noexcept;

// "NAME", or "HOST/NAME" where the backend names hosts.
std::string full_name(const DomainNames& names, std::size_t row);

// The row of the domain that `text` names: by its name, its UUID or HOST/NAME. Linear in domains.
// Errors: not_found; refused where domains of several hosts have that name: the message lists them.
Result<std::size_t> find_domain(const DomainNames& names, std::string_view text);

}  // namespace ballast
