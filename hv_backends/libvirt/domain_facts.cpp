#include "hv_backends/libvirt/domain_facts.h"

#include <fmt/format.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "base/units.h"
#include "hv_backends/libvirt/books_metadata.h"
#include "hv_backends/libvirt/host_memory.h"

namespace ballast {
namespace {

struct XmlFreer {
    void operator()(xmlDocPtr document) const noexcept { xmlFreeDoc(document); }
    void operator()(xmlXPathContextPtr context) const noexcept { xmlXPathFreeContext(context); }
    void operator()(xmlXPathObjectPtr object) const noexcept { xmlXPathFreeObject(object); }
    void operator()(xmlChar* text) const noexcept { xmlFree(text); }
};
template <class T>
using XmlHandle = std::unique_ptr<T, XmlFreer>;

// XPath over one document.
class Query {
  public:
    explicit Query(xmlDocPtr document) : context_(xmlXPathNewContext(document)) {}

    bool matches(const char* path) const {
        const auto object = evaluate(path);
        return object != nullptr && xmlXPathCastToBoolean(object.get()) != 0;
    }
    // Text of the first node found; empty if there is none.
    std::string text(const char* path) const {
        const auto object = evaluate(path);
        if (object == nullptr) return {};
        const XmlHandle<xmlChar> chars(xmlXPathCastToString(object.get()));
        return chars == nullptr ? std::string() : reinterpret_cast<const char*>(chars.get());
    }

    // The text of each node found.
    template <class Function>
    void for_each(const char* path, Function function) const {
        const auto object = evaluate(path);
        const xmlNodeSetPtr found = object == nullptr ? nullptr : object->nodesetval;
        for (int i = 0; found != nullptr && i < found->nodeNr; ++i) {
            const XmlHandle<xmlChar> chars(xmlNodeGetContent(found->nodeTab[i]));
            if (chars != nullptr) function(std::string(reinterpret_cast<const char*>(chars.get())));
        }
    }
    double number(const char* path) const {
        const auto object = evaluate(path);
        return object == nullptr ? 0 : xmlXPathCastToNumber(object.get());
    }

  private:
    XmlHandle<xmlXPathObject> evaluate(const char* path) const {
        if (context_ == nullptr) return nullptr;
        return XmlHandle<xmlXPathObject>(
            xmlXPathEvalExpression(reinterpret_cast<const xmlChar*>(path), context_.get()));
    }
    XmlHandle<xmlXPathContext> context_;
};

template <class Number>
std::optional<Number> parse_number(const std::string& text) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

constexpr std::string_view kVirtioMem = "@model='virtio-mem'";

constexpr auto kMostKib =
    static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / kKiB;

std::uint64_t maximum_bytes(const Query& query) {
    // libvirt always answers in KiB.
    const auto kib = parse_number<std::uint64_t>(query.text("string(/domain/memory[@unit='KiB'])"));
    return kib && *kib <= kMostKib ? *kib * kKiB : kUnknownBytes;
}

// libvirt writes "unlimited" as the largest size that it knows, 2^53 - 1 KiB.
std::uint64_t hard_limit_bytes(const Query& query) {
    constexpr std::uint64_t kUnlimitedKib = (std::uint64_t{1} << 53U) - 1;
    const auto kib = parse_number<std::uint64_t>(
        query.text("string(/domain/memtune/hard_limit[not(@unit) or @unit='KiB'])"));
    return kib && *kib < kUnlimitedKib ? *kib * kKiB : kUnknownBytes;
}

// What all memory devices of that kind have together under that name; 0 where it is no size.
std::uint64_t device_bytes(const Query& query, std::string_view kind, std::string_view name) {
    const std::string path =
        fmt::format("sum(/domain/devices/memory[{}]/target/{}[@unit='KiB'])", kind, name);
    const double kib = query.number(path.c_str());
    return kib > 0 && kib < static_cast<double>(kMostKib) ? static_cast<std::uint64_t>(kib) * kKiB
                                                          : 0;
}

// A guest's own nodes may be bound apart, each in a <memnode>: then to all of theirs.
std::uint64_t bound_nodes(const Query& query) {
    std::uint64_t nodes = 0;
    query.for_each("/domain/numatune/*[self::memory or self::memnode][@mode!='preferred']/@nodeset",
                   [&](const std::string& nodeset) { nodes |= parse_node_list(nodeset); });
    return nodes;
}

// Where QEMU keeps every page that the guest has once used, so that its balloon discards none:
// huge pages and locked memory; devices that reach the guest's memory by DMA (VFIO, vDPA, NVMe
// disks that QEMU drives itself), but for those of s390 that translate each address anew (ap, ccw);
// memory that is encrypted for the guest.
bool keeps_pages(const Query& query) {
    return query.matches(
        "/domain/memoryBacking/hugepages | /domain/memoryBacking/locked"
        " | /domain/launchSecurity"
        " | /domain/devices/hostdev[@type='pci']"
        " | /domain/devices/hostdev[@type='mdev'][not(@model='vfio-ap' or @model='vfio-ccw')]"
        " | /domain/devices/interface[@type='hostdev' or @type='vdpa']"
        " | /domain/devices/disk[@type='nvme' or @type='vhostvdpa']"
        " | /domain/devices/disk//backingStore[@type='nvme']"
        " | /domain/devices/disk//source[@type='pci']"
        " | /domain/devices/disk/mirror[@type='nvme']"
        " | /domain/*[local-name()='commandline']/*[local-name()='arg']"
        "[contains(@value, 'vfio-pci') or contains(@value, 'vhost-vdpa')"
        " or contains(@value, 'nvme://') or contains(@value, 'mem-lock=on')"
        " or contains(@value, 'sev-guest') or contains(@value, 'sev-snp-guest')"
        " or contains(@value, 's390-pv-guest') or contains(@value, 'tdx-guest')]");
}

std::optional<CarriedBooks> books(const Query& query) {
    const std::string path = fmt::format(
        "/domain/metadata/*[local-name()='books' and namespace-uri()='{}']", kBooksNamespace);
    const auto original = parse_number<std::uint64_t>(
        query.text(fmt::format("string({}/@original-loaned-bytes)", path).c_str()));
    const auto credit = parse_number<std::uint64_t>(
        query.text(fmt::format("string({}/@oom-freed-bytes)", path).c_str()));
    if (!original || !credit) return std::nullopt;
    return CarriedBooks{*original, *credit};
}

}  // namespace

Result<DomainFacts> parse_domain_facts(std::string_view xml) {
    if (xml.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
        return fail(Errc::bad_data, "domain XML is too long");
    const XmlHandle<xmlDoc> document(
        xmlReadMemory(xml.data(), static_cast<int>(xml.size()), "domain.xml", nullptr,
                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
    if (document == nullptr) return fail(Errc::bad_data, "domain XML does not parse");
    const Query query(document.get());
    if (!query.matches("/domain")) return fail(Errc::bad_data, "domain XML holds no <domain>");

    DomainFacts facts;
    facts.maximum_bytes = maximum_bytes(query);
    facts.has_balloon = query.matches("/domain/devices/memballoon[@model!='none']");
    facts.deflate_on_oom = query.matches("/domain/devices/memballoon[@autodeflate='on']");
    facts.stats_period_s =
        parse_number<std::uint32_t>(query.text("string(/domain/devices/memballoon/stats/@period)"))
            .value_or(0);
    facts.pinned_memory = keeps_pages(query);
    facts.huge_pages = query.matches("/domain/memoryBacking/hugepages");
    facts.emulated = query.matches("/domain[@type='qemu']");
    facts.vcpus = parse_number<std::uint64_t>(query.text("string(/domain/vcpu)")).value_or(1);
    facts.hard_limit_bytes = hard_limit_bytes(query);
    facts.unballooned_bytes =
        device_bytes(query, "@model='nvdimm' or @model='virtio-pmem' or @model='sgx-epc'", "size");
    facts.virtio_mem_bytes = device_bytes(query, kVirtioMem, "size");
    facts.virtio_mem_plugged_bytes =
        std::min(device_bytes(query, kVirtioMem, "current"), facts.virtio_mem_bytes);
    facts.virtio_mem_requested_bytes = device_bytes(query, kVirtioMem, "requested");
    facts.node_mask = bound_nodes(query);
    facts.books = books(query);
    return facts;
}

}  // namespace ballast
