#include <fmt/format.h>

#include "config/scenario_parts.h"
#include "config/text.h"

namespace ballast {
namespace {

constexpr std::size_t kLongestName = 200;

bool is_plain_name(std::string_view name) noexcept {
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte <= 0x20 || byte == 0x7f) return false;
    }
    return !name.empty() && name.size() <= kLongestName &&
           name.find_first_of("*?[]\\/,\"") == std::string_view::npos;
}

void read_name(Section& section, std::string& into) {
    section.require("name", "the domain's name");
    if (section.text("name", into) && !is_plain_name(into)) {
        section.problem("name",
                        fmt::format("{} is '{}', expected 1 to {} characters without spaces and "
                                    "none of *?[]\\/,\"",
                                    section.full_name("name"), shown(into), kLongestName));
    }
}

void read_page(Section& section, std::uint32_t& into) {
    std::uint64_t bytes = into;
    if (!section.size("page", bytes)) return;
    if (bytes == 4 * kKiB || bytes == 64 * kKiB) {
        into = static_cast<std::uint32_t>(bytes);
    } else {
        section.problem("page", fmt::format("{} is {}, expected 4KiB or 64KiB",
                                            section.full_name("page"), format_size(bytes)));
    }
}

void read_block(Section& section, std::uint64_t& into) {
    if (section.size("memory_block", into, {kMiB, kGiB}) && (into & (into - 1)) != 0) {
        section.problem("memory_block",
                        fmt::format("{} is {}, expected a power of two such as 16MiB",
                                    section.full_name("memory_block"), format_size(into)));
    }
}

void check_pages(Section& section, const ScenarioDomain& domain) {
    const std::uint64_t most_bytes = kMostPseriesPages * domain.page_bytes;
    if (domain.memory_bytes <= most_bytes) return;
    section.problem("memory",
                    fmt::format("{} is {}, expected at most {} with pages of {} on backend pseries",
                                section.full_name("memory"), format_size(domain.memory_bytes),
                                format_size(most_bytes), format_size(domain.page_bytes)));
}

void check_memory(Section& section, const ScenarioDomain& domain) {
    if (domain.memory_bytes % domain.page_bytes != 0) {
        section.problem("memory", fmt::format("{} is {} bytes, expected whole pages of {}",
                                              section.full_name("memory"), domain.memory_bytes,
                                              format_size(domain.page_bytes)));
    }
    if (domain.entitled_bytes > domain.memory_bytes) {
        section.problem(
            "entitled",
            fmt::format("{} is {}, expected at most the domain's memory, {}",
                        section.full_name("entitled"), format_size(domain.entitled_bytes),
                        format_size(domain.memory_bytes)));
    }
}

void read_domain(const YamlNode& node, std::size_t index, ScenarioContext& context,
                 ScenarioDomain& domain) {
    Section section(node, fmt::format("scenario.domains[{}]", index), context.problems);
    read_name(section, domain.name);
    section.number("count", domain.count, {1, kMaxScenarioDomains});
    const bool has_memory = section.size("memory", domain.memory_bytes, {kMiB, kLargestGuest});
    read_page(section, domain.page_bytes);
    read_block(section, domain.memory_block_bytes);
    section.size("entitled", domain.entitled_bytes);
    section.number("weight", domain.weight, {0, 255});
    // Nothing is too much for a memory that could not be read.
    const bool memory_known = has_memory || !section.has("memory");
    const std::uint64_t most_bytes = memory_known ? domain.memory_bytes : kLargestGuest;
    if (const YamlNode* const used = section.find("used")) {
        domain.used = read_curve(*used, section.full_name("used"), most_bytes, context.problems);
    }
    if (const YamlNode* const loan = section.find("loan")) {
        domain.loan = read_curve(*loan, section.full_name("loan"), kLargestGuest, context.problems);
    }
    section.flag("deflate_on_oom", domain.deflate_on_oom);
    if (section.size("speed", domain.speed_bytes_per_s) && context.backend == "pseries") {
        section.problem("speed", fmt::format("{} is for backend mock, found with 'pseries'",
                                             section.full_name("speed")));
    }
    if (memory_known) check_memory(section, domain);
    if (memory_known && context.backend == "pseries") check_pages(section, domain);
}

}  // namespace

void read_scenario_domains(const YamlNode& list, ScenarioContext& context) {
    std::vector<ScenarioDomain>& domains = context.scenario.domains;
    domains.resize(list.items.size());  // names refer to them: no growth from here
    std::uint64_t total = 0;
    std::uint64_t total_bytes = 0;
    const std::size_t problems_before = context.problems.size();
    for (std::size_t i = 0; i < domains.size(); ++i) {
        read_domain(list.items[i], i, context, domains[i]);
        total += domains[i].count;
        if (total > kMaxScenarioDomains) {
            add_problem(context.problems, list.items[i],
                        fmt::format("scenario.domains[{}] makes it {} domains, expected at most {} "
                                    "in all",
                                    i, total, kMaxScenarioDomains));
            return;
        }
        if (domains[i].count > (kMostScenarioBytes - total_bytes) / domains[i].memory_bytes) {
            add_problem(context.problems, list.items[i],
                        fmt::format("scenario.domains[{}] makes it more than {} in all", i,
                                    format_size(kMostScenarioBytes)));
            return;
        }
        total_bytes += domains[i].count * domains[i].memory_bytes;
        if (domains[i].name.empty()) continue;
        const std::string taken = context.names.add(domains[i]);
        if (taken.empty()) continue;
        add_problem(
            context.problems, list.items[i],
            fmt::format("scenario.domains[{}]: the name '{}' is taken already", i, shown(taken)));
    }
    context.names_known = context.problems.size() == problems_before;
}

}  // namespace ballast
