#include "hv_backends/modules/registry.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "staged.h"

using namespace ballast;
using namespace ballast::test;

namespace {

struct Modules {
    explicit Modules(RefScheme scheme = RefScheme::automatic)
        : registry(clock, {.scheme = scheme, .directory = staged.folder()}), path(staged("odd")) {}
    Result<ModuleLease> load(const std::string& name = "odd", const char* behaviour = "none") {
        return registry.load(name, path, behaving(behaviour));
    }
    Staged staged;
    SystemClock clock;
    ModuleRegistry registry;
    std::string path;
};

bool still_there(const std::string& name) {
    return mapped("memfd:ballast-" + name + " ");
}

}  // namespace

TEST_CASE("a module lives as long as it is used, and its code goes when it is removed") {
    Modules modules;
    auto lease = modules.load();
    REQUIRE(lease);
    CHECK(lease->backend().capabilities().name == "odd");
    const auto handle = ModuleRegistry::handle_of(*lease);
    REQUIRE(modules.registry.list().size() == 1);
    CHECK(modules.registry.list()[0].state == ModuleState::live);
    CHECK(modules.registry.list()[0].users == 1);

    const auto refused = modules.registry.remove_if_unused(handle);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().sys_errno == EWOULDBLOCK);
    CHECK(refused.error().context == "backend 'odd' is in use by 1");
    CHECK(modules.registry.lease("odd"));  // still live

    *lease = ModuleLease();
    CHECK(modules.registry.remove_if_unused(handle));
    CHECK(modules.registry.list().empty());
    CHECK_FALSE(still_there("odd"));
    CHECK(modules.registry.still_mapped() == 0);
    CHECK(modules.registry.lease("odd").error().code == Errc::not_found);
    CHECK(modules.registry.remove_if_unused(handle).error().code == Errc::not_found);
}

TEST_CASE("a module is listed by its whole path, however it was named") {
    Modules modules;
    const auto lease = modules.registry.load("odd", "odd.so", behaving("none"));
    REQUIRE(lease);
    CHECK(modules.registry.list()[0].path == modules.path);
}

TEST_CASE("a module that is going takes no new users and waits for the last") {
    Modules modules;
    auto lease = modules.load();
    REQUIRE(lease);
    const auto handle = ModuleRegistry::handle_of(*lease);
    REQUIRE(modules.registry.shut(handle));
    CHECK(modules.registry.lease("odd").error().code == Errc::busy);
    const auto late = modules.registry.remove_when_unused(handle, std::chrono::milliseconds(1));
    REQUIRE_FALSE(late);
    CHECK(late.error().code == Errc::timed_out);
    CHECK(late.error().context == "backend 'odd' is still in use by 1 after 1ms");

    std::thread user([&] { *lease = ModuleLease(); });
    CHECK(modules.registry.remove_when_unused(handle, std::chrono::minutes(1)));
    user.join();
    CHECK_FALSE(still_there("odd"));
}

TEST_CASE("a removal that is called off leaves the module live") {
    Modules modules;
    auto lease = modules.load();
    const auto handle = ModuleRegistry::handle_of(*lease);
    REQUIRE(modules.registry.shut(handle));
    REQUIRE(modules.registry.reopen(handle));
    CHECK(modules.registry.lease("odd"));
}

TEST_CASE("a module that fails to come is never seen, and nothing is left of it") {
    Modules modules;
    std::vector<ModuleState> told;
    modules.registry.notifiers().add([&](const ModuleChange& change) {
        told.push_back(change.to);
        return std::nullopt;
    });
    const auto refused = modules.load("odd", "refuse");
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().context,
               Catch::Equals("loading backend 'odd': the hypervisor is of the wrong kind"));
    CHECK(told ==
          std::vector<ModuleState>{ModuleState::coming, ModuleState::going, ModuleState::gone});
    CHECK(modules.registry.list().empty());
    CHECK_FALSE(still_there("odd"));
    CHECK_FALSE(modules.registry.load("Odd!", modules.path, {}));
    CHECK_FALSE(modules.registry.load("odd", modules.path + "x", {}));
    CHECK(modules.registry.loads() == 0);
}

TEST_CASE("live can be vetoed, and those who had agreed hear that it goes") {
    Modules modules;
    std::vector<std::string> told;
    auto& chain = modules.registry.notifiers();
    chain.add([&](const ModuleChange& change) -> std::optional<std::string> {
        told.push_back("agrees " + std::string(to_string(change.to)));
        return std::nullopt;
    });
    const auto veto = chain.add([&](const ModuleChange& change) -> std::optional<std::string> {
        if (change.to == ModuleState::live || change.to == ModuleState::going) return "not here";
        return std::nullopt;
    });
    const auto refused = modules.load();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().context == "loading backend 'odd': not wanted: not here");
    CHECK(told == std::vector<std::string>{"agrees coming", "agrees live", "agrees going",
                                           "agrees going", "agrees gone"});
    CHECK(modules.registry.lease("odd").error().code == Errc::not_found);

    chain.remove(veto);
    CHECK(modules.load());
}

TEST_CASE("going cannot be vetoed") {
    Modules modules;
    auto lease = modules.load();
    const auto handle = ModuleRegistry::handle_of(*lease);
    *lease = ModuleLease();
    modules.registry.notifiers().add(
        [](const ModuleChange&) -> std::optional<std::string> { return "no"; });
    CHECK(modules.registry.remove_if_unused(handle));
}

TEST_CASE("a module that is locked down stays for good") {
    Modules modules;
    auto lease = modules.load();
    const auto handle = ModuleRegistry::handle_of(*lease);
    REQUIRE(modules.registry.make_permanent(handle));
    *lease = ModuleLease();
    CHECK(modules.registry.remove_if_unused(handle).error().sys_errno == EPERM);
    CHECK(modules.registry.shut(handle).error().sys_errno == EPERM);
    CHECK(modules.registry.force_out(handle).error().sys_errno == EPERM);
    CHECK(modules.registry.list()[0].permanent);
    CHECK(modules.registry.lease("odd"));
}

TEST_CASE("a module that is forced out keeps its code under those who use it") {
    Modules modules;
    auto lease = modules.load("forced");
    const auto handle = ModuleRegistry::handle_of(*lease);
    REQUIRE(modules.registry.force_out(handle));
    CHECK(still_there("forced"));
    CHECK(lease->backend().capabilities().name == "forced");  // runs, though it is gone for others
    CHECK(modules.registry.lease("forced").error().code == Errc::not_found);
    REQUIRE(modules.registry.list().size() == 1);
    CHECK(modules.registry.list()[0].tainted);
    CHECK(modules.registry.remove_if_unused(handle).error().code == Errc::not_found);
    *lease = ModuleLease();
    CHECK(still_there("forced"));
    CHECK(modules.load("forced"));  // the name is free
}

TEST_CASE("a block that is used again refuses those who knew it before") {
    Modules modules;
    ModuleRegistry::Handle old;
    {
        auto lease = modules.load();
        old = ModuleRegistry::handle_of(*lease);
    }
    REQUIRE(modules.registry.remove_if_unused(old));
    auto lease = modules.load("other");
    REQUIRE(ModuleRegistry::handle_of(*lease).module == old.module);
    CHECK(modules.registry.shut(old).error().code == Errc::not_found);
    CHECK(modules.registry.force_out(old).error().code == Errc::not_found);
    CHECK(modules.registry.make_permanent(old).error().code == Errc::not_found);
    CHECK(modules.registry.lease("other"));
}

TEST_CASE("two of one name are there while one replaces the other; the newer one is found") {
    Modules modules;
    auto first = modules.load();
    auto second = modules.load();
    CHECK(modules.registry.list().size() == 2);
    CHECK(modules.registry.lease("odd")->module() == second->module());
    const auto handle = ModuleRegistry::handle_of(*first);
    *first = ModuleLease();
    CHECK(modules.registry.remove_if_unused(handle));
    CHECK(modules.registry.lease("odd")->module() == second->module());
}

TEST_CASE("what the trial finds keeps a file out of this process") {
    const Staged staged;
    const SystemClock clock;
    ModuleRegistry registry(
        clock, {.directory = staged.folder(),
                .trial = [](const std::string&, const std::string& path) -> Result<void> {
                    return fail(Errc::bad_data, path + " crashed");
                }});
    const auto refused = registry.load("odd", staged("odd"), {});
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().context, Catch::EndsWith("odd.so crashed"));
    CHECK_FALSE(still_there("odd"));
}

// BALLAST_TORTURE_LOADS sets how often (default: a short run).
TEST_CASE("code that is loaded and removed over and over is never used after it is gone") {
    const RefScheme scheme = GENERATE(RefScheme::atomic, RefScheme::percpu, RefScheme::perthread);
    const char* const asked = std::getenv("BALLAST_TORTURE_LOADS");
    const std::uint64_t rounds = asked == nullptr ? 200 : std::stoull(asked);
    Modules modules(scheme);
    std::atomic<bool> ending{false};
    std::atomic<std::uint64_t> uses{0}, wrong{0};
    std::vector<std::thread> users;
    for (int i = 0; i < 2; ++i)
        users.emplace_back([&] {
            while (!ending) {
                auto lease = modules.registry.lease("odd");
                if (!lease) {
                    std::this_thread::yield();
                    continue;
                }
                // Calls into the code; it would crash if that were unmapped.
                lease->backend().set_guest_tunables({}, {});
                if (lease->backend().capabilities().name != "odd") ++wrong;
                ++uses;
            }
        });
    std::uint64_t removed = 0, loaded = 0;
    while (removed < rounds) {
        auto lease = modules.load();
        if (!lease) break;
        ++loaded;
        const auto handle = ModuleRegistry::handle_of(*lease);
        *lease = ModuleLease();
        const std::uint64_t before = uses;
        for (int tries = 0; uses == before && tries < 1000; ++tries) std::this_thread::yield();
        if (!modules.registry.shut(handle)) break;
        if (!modules.registry.remove_when_unused(handle, std::chrono::minutes(1))) break;
        ++removed;
    }
    ending = true;
    for (std::thread& user : users) user.join();
    CHECK(loaded == rounds);
    CHECK(removed == rounds);
    CHECK(wrong == 0);
    CHECK(uses > 0);
    CHECK(modules.registry.loads() == rounds);
    CHECK(modules.registry.removals() == rounds);
    CHECK(modules.registry.still_mapped() == 0);
    CHECK(modules.registry.list().empty());
}
