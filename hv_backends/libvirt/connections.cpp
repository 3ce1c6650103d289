#include "hv_backends/libvirt/connections.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "hv_backends/libvirt/host_memory.h"
#include "hv_backends/libvirt/several_connections.h"

namespace ballast {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> words;
    for (;;) {
        text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
        if (text.empty()) return words;
        const std::size_t length = std::min(text.find_first_of(kBlanks), text.size());
        words.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
}

}  // namespace

Result<std::unique_ptr<Backend>> make_libvirt_backend_for(std::string_view uris,
                                                          const LibvirtOptions& options,
                                                          const Clock& clock) {
    const std::vector<std::string> all = words_of(uris);
    if (all.empty() || all.size() > kMostConnections)
        return fail(Errc::invalid_argument,
                    fmt::format("uri names {} connections, expected 1 to {}", all.size(),
                                kMostConnections));
    std::vector<ConnectionPlan> plans;
    for (const std::string& uri : all) {
        const auto same = [&](const ConnectionPlan& plan) { return plan.uri == uri; };
        if (std::any_of(plans.begin(), plans.end(), same))
            return fail(Errc::invalid_argument, fmt::format("uri names '{}' twice", uri));
        LibvirtOptions one = options;
        one.uri = uri;
        plans.push_back({uri, is_local(uri),
                         [one](const Clock& own) { return make_libvirt_backend(one, own); }});
    }
    if (plans.size() == 1) return plans.front().make(clock);
    SeveralOptions several;
    several.deadline = options.answer_deadline + options.answer_deadline / 4;
    return make_several_connections(std::move(plans), several, clock);
}

}  // namespace ballast
