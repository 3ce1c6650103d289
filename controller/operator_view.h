// What operators read back of what they can set: published, so that nobody who reads waits for the
// loop, and the loop for nobody.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/exchange.h"
#include "base/result.h"
#include "controller/attributes.h"
#include "controller/domain_control.h"
#include "model/reservation.h"
#include "model/snapshot.h"

namespace ballast {

// One domain's values, or those of all.
struct DomainAttributes {
    Duration hotplug_delay{};
    std::uint64_t oom_kb = 0;
    std::uint64_t min_mem_mb = 0;
    bool disable = false;
    std::uint64_t loaned_kb = 0;
    std::uint64_t loaned_target_kb = 0;
    std::uint64_t oom_freed_kb = 0;
    std::uint64_t simulate_loan_target_kb = 0;
};

// Values that exist once.
struct GlobalAttributes {
    Duration delay{};
    bool debug = false;
    bool simulate = false;
};

struct OperatorView {
    GlobalAttributes global;
    DomainAttributes all;  // what a domain gets that no override names, and sums of loans
    std::shared_ptr<const DomainNames> names;  // none before the first observation
    std::vector<DomainAttributes> domains;     // by row of `names`
    ReservationList reservations;
};

using OperatorViews = Exchange<OperatorView>;

// Pure.
DomainAttributes attributes_of(const DomainControl& control) noexcept;
// As the API shows it. Pure.
std::string attribute_text(Attribute attribute, const GlobalAttributes& global,
                           const DomainAttributes& domain);
// `domain` empty: of all. Pure. Errors: as of find_domain; not_found (attribute).
Result<std::string> read_attribute(const OperatorView& view, std::string_view domain,
                                   std::string_view attribute);

}  // namespace ballast
