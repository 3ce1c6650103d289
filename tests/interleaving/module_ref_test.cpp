// base/module_ref.cpp itself on a machine that runs every order of its steps: what tests/model
// shows of the protocol, for the code.
#include "base/module_ref.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "machine.h"

// Not all of namespace ballast, which has a std of its own here.
using ballast::ModuleRef;
using ballast::RefScheme;
using ballast::Removal;
using namespace ballast::interleaving;

namespace {

struct Code {
    explicit Code(RefScheme scheme)
        : ref({.scheme = scheme, .on_unused = [this] { told = true; }}) {
        ref.open();
    }
    ModuleRef ref;
    bool whole = true;  // it is mapped
    bool told = false;  // on_unused was called

    // A user that comes as often as that.
    void use(int times) {
        for (int i = 0; i < times; ++i) {
            if (!ref.try_get()) continue;
            check(whole, "the code was gone when it was used");
            step();
            check(whole, "the code went away under its user");
            ref.put();
        }
    }
    // A remover who waits until he is told.
    void shut() {
        Removal removal = ref.shut();
        for (;;) {
            check(removal.users >= 0, "fewer users than none");
            if (removal.removed()) break;
            wait_until([this] { return told; });
            told = false;
            removal = ref.settle();
        }
        whole = false;
    }
    void try_to_remove() {
        const Removal removal = ref.try_remove();
        check(removal.users >= 0, "fewer users than none");
        if (removal.removed()) whole = false;
    }
    void nobody_is_left() {
        check(ref.users() == 0, "users are left");
        check(ref.faults().underflows == 0, "a put without a get");
    }
};

using Body = void (*)(Code&);

Explored every_order(RefScheme scheme, const Bounds& bounds, const std::vector<Body>& bodies) {
    const Explored explored = explore(bounds, [&] {
        const auto code = std::make_shared<Code>(scheme);
        World world;
        for (const Body body : bodies) world.threads.emplace_back([=] { body(*code); });
        world.at_end = [=] { code->nobody_is_left(); };
        return world;
    });
    CHECK((explored.failed() || explored.orders > 100));
    return explored;
}

const auto kSchemes = {RefScheme::atomic, RefScheme::percpu, RefScheme::perthread};

void use_once(Code& code) {
    code.use(1);
}
void use_twice(Code& code) {
    code.use(2);
}
void shut(Code& code) {
    code.shut();
}
void try_to_remove(Code& code) {
    code.try_to_remove();
}
void idle(Code&) {}

}  // namespace

TEST_CASE("in every order, no user meets code that is gone, and who waits to remove it is told") {
    const RefScheme scheme = GENERATE(values(kSchemes));
    CHECK(std::string(every_order(scheme, {}, {use_once, use_once, shut}).failure).empty());
}

TEST_CASE("in every order, a user that comes again is refused or served whole") {
    const RefScheme scheme = GENERATE(values(kSchemes));
    CHECK(std::string(every_order(scheme, {}, {use_twice, shut}).failure).empty());
}

TEST_CASE("in every order, an attempt to remove succeeds or leaves everything as it was") {
    const RefScheme scheme = GENERATE(values(kSchemes));
    CHECK(
        std::string(every_order(scheme, {}, {use_once, use_once, try_to_remove}).failure).empty());
}

TEST_CASE("in every order, users without a slot of their own are counted as well") {
    const RefScheme scheme = GENERATE(RefScheme::percpu, RefScheme::perthread);
    // The third thread is the first without a slot.
    CHECK(std::string(every_order(scheme, {}, {shut, use_once, use_once}).failure).empty());
    CHECK(std::string(every_order(scheme, {}, {idle, shut, use_twice}).failure).empty());
}

TEST_CASE("in every order, one who looks never sees fewer users than none") {
    const RefScheme scheme = GENERATE(values(kSchemes));
    const auto look = [](Code& code) { check(code.ref.users() >= 0, "fewer users than none"); };
    CHECK(std::string(every_order(scheme, {}, {use_twice, look}).failure).empty());
    CHECK(std::string(every_order(scheme, {}, {use_once, look, use_once}).failure).empty());
}

// The machine has to be able to find what it looks for.
TEST_CASE("two plain stores and two loads: each thread may miss the other's store") {
    struct Words {
        std::uint64_t mine[2] = {0, 0};
        std::uint64_t seen[2] = {7, 7};
    };
    bool both_missed = false;
    const bool fenced = GENERATE(false, true);
    explore({}, [&] {
        const auto words = std::make_shared<Words>();
        const auto side = [=](std::size_t me) {
            step();
            count_plainly(words->mine[me]);
            step();
            if (fenced) empty_own_buffer();
            step();
            words->seen[me] = load(words->mine[1 - me]);
            step();
        };
        return World{{[=] { side(0); }, [=] { side(1); }}, [&both_missed, words] {
                         both_missed |= words->seen[0] == 0 && words->seen[1] == 0;
                     }};
    });
    CHECK(both_missed == !fenced);
}

TEST_CASE("threads that wait for each other are a failure, and so is a check that does not hold") {
    const Explored stuck =
        explore({}, [] { return World{{[] { wait_until([] { return false; }); }}}; });
    CHECK(std::string(stuck.failure) == "nobody goes on");
    const Explored wrong = explore({}, [] { return World{{[] { check(false, "no"); }}}; });
    CHECK(std::string(wrong.failure) == "no");
}
