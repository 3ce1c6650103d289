// The validated configuration: plain values, units in the names. docs/man/ballast.yaml.5 is the
// reference for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/module_ref.h"
#include "base/units.h"
#include "model/policy_catalogue.h"
#include "model/scenario.h"

namespace ballast {

enum class Mode : std::uint8_t { live, simulate };
enum class Profile : std::uint8_t { safe, kernel };
enum class OnStop : std::uint8_t { release, keep };

// Where profile `safe` differs from the kernel's driver; each can be switched alone. Profile
// `kernel` starts with all but oom_credit off.
struct Safeguards {
    bool oom_credit = true;          // off only to show the harm
    bool credit_after_clamp = true;  // a huge request cannot void the credit
    bool always_give_back = true;    // deflation is never suspended by hotplug
};

// The driver's parameters, named as in the kernel.
struct CmmSettings {
    Profile profile = Profile::safe;
    Duration delay = std::chrono::seconds(1);          // 10 ms .. 1 h
    Duration hotplug_delay = std::chrono::seconds(5);  // 0 .. 1 h
    std::uint64_t oom_kb = 1024;
    std::uint64_t min_mem_mb = 256;
    bool debug = false;
    bool disable = false;
    bool simulate = false;  // use simulate_loan_target_kb, not the request
    // With `simulate`: make the hypervisor's calls all the same. The driver makes none then.
    bool simulate_hypervisor = false;
    // Absent: a domain keeps the balloon it arrives with.
    std::optional<std::uint64_t> simulate_loan_target_kb;
    std::uint64_t max_step_bytes = 0;  // most one tick inflates one domain by; 0 = any
    Duration oom_half_life{};          // 1 min .. 1 year; 0 = credits last, the driver's rule
    Safeguards safeguards;
};

// Whose word counts where somebody else sets a balloon.
enum class SetByOthers : std::uint8_t {
    adopt,     // theirs: it becomes the size that the domain goes on from
    override,  // ours: it is set again
    release,   // theirs: the domain is left alone from then on
};

// What keeps guests from harm beside the driver's rules; see docs/guests.md.
struct GuestSettings {
    // A guest that makes no progress for so long is stuck. 1 s .. 1 h; 0 = none ever is
    Duration stuck_after = std::chrono::seconds(30);
    Duration stuck_retry_max = std::chrono::minutes(15);  // 1 s .. 1 day
    // A guest that has less than both to use is short.
    std::uint64_t surge_below_bytes = 256 * kMiB;  // 0 = none ever is
    std::uint64_t surge_below_percent = 10;        // of what it keeps; 0 .. 50
    // With so many major faults it is short at four times that already; 0 = faults do not count.
    std::uint64_t surge_faults_per_s = 200;
    Duration surge_backoff = std::chrono::minutes(1);  // 1 s .. 1 h
    SetByOthers set_by_others = SetByOthers::adopt;
};

struct BackendSettings {
    std::string name = "libvirt";  // pseries | libvirt | mock, or any with a module
    std::string module_path;       // a shared object; empty = built in
    // Absolute; the only one that shared objects are loaded from. Empty = none is ever loaded.
    std::string module_directory;
    std::vector<std::pair<std::string, std::string>> module_settings;  // as the module knows them
    bool force_unload = false;  // whether an operator may unload it under its users
    // A call into the backend that lasts longer counts as hung. 1 s .. 1 h
    Duration call_timeout = std::chrono::seconds(30);
    // libvirt: 1 .. 16 connections, all different, none with blanks in it
    std::vector<std::string> uris{"qemu:///system"};
    std::uint32_t stats_period_s = 1;  // 1 .. 3600, set where a domain has none
    Duration reconnect_min = std::chrono::seconds(1);
    Duration reconnect_max = std::chrono::seconds(30);

    friend bool operator==(const BackendSettings&, const BackendSettings&) = default;
};

struct PolicySettings {
    std::string name = "cmm";  // of the catalogue
    // Its numbers and texts, where any were given.
    std::optional<PolicyChoice> choice;
};

// Overrides for the domains whose name matches `pattern` (name or glob); the first match wins.
struct DomainOverride {
    std::string pattern;
    std::optional<std::uint64_t> min_mem_mb;
    std::optional<std::uint64_t> oom_kb;
    std::optional<Duration> hotplug_delay;
    std::optional<bool> disable;
    std::optional<std::uint64_t> simulate_loan_target_kb;
    std::optional<std::uint64_t> max_step_bytes;
    std::optional<std::uint64_t> shares;  // its weight among the others, 0 .. 10000
};

struct HostSettings {
    // Give-backs wait for inflations rather than go below it; 0 = off.
    std::uint64_t reserve_bytes = 0;
    // The reserve follows the host's size (reserve_of, controller/host_reserve.h); reserve_bytes is
    // of no account then.
    bool automatic_reserve = false;
};

struct ListenSettings {
    std::string http = "127.0.0.1:9835";        // host:port, empty = no TCP
    std::string api = "/run/ballast/api.sock";  // path, empty = no Unix socket
    std::string api_group;                      // members may write too; empty = root alone
    std::vector<std::string> host_names;        // that TCP clients may call this host by
};

struct MetricsSettings {
    std::uint64_t max_domains = 1000;  // above it, no per-domain series
};

// How the daemon's own readers are counted; automatic: as is cheapest here.
struct ReferenceSettings {
    RefScheme module_refs = RefScheme::automatic;
    RefScheme snapshot_refs = RefScheme::automatic;

    friend bool operator==(const ReferenceSettings&, const ReferenceSettings&) = default;
};

// What readers pay under each scheme, measured in the background.
struct ProbeSettings {
    bool enabled = false;
    Duration budget_per_s = std::chrono::milliseconds(1);  // of a core; 10 us .. 100 ms
    std::uint32_t loops = 1000;                            // 100 .. 100000, sections at a time
    std::int64_t nreaders = -1;                            // 1 .. 256; -1 = 75 % of the CPUs
    std::uint32_t nruns = 21;                              // 3 .. 1000

    friend bool operator==(const ProbeSettings&, const ProbeSettings&) = default;
};

// The event bus; see docs/bus_format.md.
struct BusSettings {
    std::string path;               // empty = none
    std::uint64_t size_kib = 4096;  // 16 .. 1 GiB; a power of two fits best

    friend bool operator==(const BusSettings&, const BusSettings&) = default;
};
// In mode live, where the file does not say otherwise.
inline constexpr const char* kDefaultBusPath = "/run/ballast/events";

struct StateSettings {
    // Where a live daemon keeps the books of its domains.
    std::string path = "/var/lib/ballast/state.db";
    OnStop on_stop = OnStop::release;
    Duration stop_timeout =
        std::chrono::seconds(30);  // 1 s .. 10 min, for guests to take memory back
};

struct Settings {
    Mode mode = Mode::live;
    CmmSettings cmm;
    GuestSettings guests;
    BackendSettings backend;
    PolicySettings policy;
    std::vector<DomainOverride> domains;
    HostSettings host;
    ListenSettings listen;
    MetricsSettings metrics;
    StateSettings state;
    BusSettings bus;
    ReferenceSettings references;
    ProbeSettings probe;
    std::optional<Scenario> scenario;  // present exactly when mode is simulate
    std::string text;                  // what all this was read from
};

}  // namespace ballast
