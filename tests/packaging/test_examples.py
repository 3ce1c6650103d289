#!/usr/bin/env python3
"""Each example shows what its first line says, and ends as it always has.

usage: tests/packaging/test_examples.py [--update]

Runs every scenario of config/examples/ and compares events, constraints, credits and the final state
with tests/data/examples/NAME.json. --update writes these files anew: look at what changed, and
whether the first lines still hold.
"""

import json
import os
import pathlib
import subprocess
import sys
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path for path in (SOURCE / "config/examples").glob("*.yaml")
                  if "\nmode: simulate\n" in path.read_text())
GOLDEN = SOURCE / "tests/data/examples"
MIB = 1 << 20
GIB = 1 << 30
# Of each domain; the rest follows from the series, which a page shows.
KEPT = ("name", "present", "total_bytes", "loaned_bytes", "loan_target_bytes", "oom_freed_bytes",
        "constraint", "most_loaned_bytes", "inflated_bytes", "deflated_bytes", "events",
        "oom_bytes", "short_moves", "ticks_by_constraint")


def run(example: pathlib.Path) -> dict:
    done = subprocess.run([os.environ["BALLASTCTL"], "simulate", example, "--json"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(done.stdout)


def golden(result: dict) -> dict:
    whole = {key: result[key] for key in ("policy", "backend", "ticks", "events",
                                          "observe_failures", "refused_settings", "host")}
    whole["domains"] = [{key: domain[key] for key in KEPT} for domain in result["domains"]]
    return whole


class Result:
    def __init__(self, result: dict):
        self.host = result["host"]
        self.domains = {domain["name"]: domain for domain in result["domains"]}
        self.step_s = result["series_step_seconds"]

    def of(self, name: str, field: str):
        return self.domains[name][field]

    def ticks(self, name: str, constraint: str) -> int:
        return self.of(name, "ticks_by_constraint").get(constraint, 0)

    def events(self, name: str, kind: str) -> int:
        return self.of(name, "events").get(kind, 0)

    def lent(self, name: str, at_s: float) -> int:
        """About when; the series is coarse."""
        series = self.of(name, "loaned_series_bytes")
        return series[min(int(at_s / self.step_s), len(series) - 1)]

    def returned(self, name: str) -> int:
        return self.of(name, "deflated_bytes")

    def credits(self) -> int:
        return sum(domain["oom_freed_bytes"] for domain in self.domains.values())

    def ooms(self) -> int:
        return sum(domain["events"].get("oom", 0) for domain in self.domains.values())


class Examples(unittest.TestCase):
    """test_NAME checks the first line of NAME.yaml."""

    results: dict[str, dict] = {}

    @classmethod
    def setUpClass(cls) -> None:
        for example in EXAMPLES:
            cls.results[example.stem] = run(example)

    def result(self, name: str) -> Result:
        return Result(self.results[name])

    def test_each_ends_as_it_always_has(self) -> None:
        self.assertEqual({path.stem for path in GOLDEN.glob("*.json")}, set(self.results))
        for name, result in self.results.items():
            with self.subTest(name):
                self.assertEqual(golden(result), json.loads((GOLDEN / f"{name}.json").read_text()))

    def test_each_has_a_test_of_its_first_line(self) -> None:
        for name in self.results:
            self.assertTrue(hasattr(self, "test_" + name.replace("-", "_")), name)

    def test_failing_hypervisor(self) -> None:
        result = self.result("failing-hypervisor")
        short = result.of("unlucky", "short_moves")
        self.assertGreater(short["partial"], 0)
        self.assertGreater(short["refused"], 0)
        self.assertGreater(result.ticks("unlucky", "backend_error"), 0)
        for name in ("unlucky", "lucky"):  # nothing is lost: what is still lent was asked for
            self.assertEqual(result.of(name, "loaned_bytes"), 64 * MIB)
            self.assertEqual(result.of(name, "inflated_bytes") - result.returned(name), 64 * MIB)

    def test_hands_on(self) -> None:
        for domain in self.result("hands-on").domains.values():
            self.assertEqual((domain["inflated_bytes"], domain["events"]), (0, {}))

    def test_hotplug_suspension(self) -> None:
        result = self.result("hotplug-suspension")
        self.assertEqual(result.of("shrinking", "total_bytes"), 2 * GIB - 256 * MIB)
        # 15 s and 5 s of hotplug, each with 20 s of hotplug_delay and one delay after it.
        self.assertGreaterEqual(result.ticks("shrinking", "hotplug"), 15 + 20 + 5 + 20)
        self.assertEqual(result.ticks("untouched", "hotplug"), 0)
        self.assertLess(result.lent("shrinking", 110), result.lent("untouched", 110))

    def test_loan_and_return(self) -> None:
        result = self.result("loan-and-return")
        for name in ("web", "db", "batch"):
            self.assertGreaterEqual(result.of(name, "most_loaned_bytes"), 512 * MIB)
            self.assertGreaterEqual(result.returned(name), 256 * MIB, name)
        self.assertEqual(result.ooms(), 0)

    def test_migration(self) -> None:
        result = self.result("migration")
        self.assertEqual(result.events("traveller", "migration_began"), 1)
        self.assertGreaterEqual(result.ticks("traveller", "migrating"), 59)
        self.assertLessEqual(result.lent("traveller", 115) - result.lent("traveller", 65), 0)
        self.assertGreater(result.lent("compacted", 115), result.lent("compacted", 65))
        self.assertEqual(result.of("traveller", "loaned_bytes"), 1280 * MIB)

    def test_oom_credit(self) -> None:
        result = self.result("oom-credit")
        self.assertEqual(result.events("spiky", "oom"), 1)
        taken_back = result.of("spiky", "oom_bytes")
        self.assertGreater(taken_back, 256 * MIB)
        # From when the guest needs no more than before until an operator clears the credit.
        self.assertGreater(result.ticks("spiky", "oom_credit"), 120)
        self.assertEqual(result.lent("spiky", 470), 600 * MIB - taken_back)
        self.assertEqual(result.of("spiky", "oom_freed_bytes"), 0)
        self.assertEqual(result.of("spiky", "loaned_bytes"), 600 * MIB)
        self.assertEqual(result.events("steady", "oom"), 0)

    def test_overcommitted(self) -> None:
        result = self.result("overcommitted")
        self.assertEqual(result.ooms(), 0)
        self.assertEqual(result.host["total_bytes"], 22 * GIB)
        self.assertEqual(sum(domain["total_bytes"] for domain in result.domains.values()), 32 * GIB)
        # By day the night's guests lend, and the other way round.
        for name in result.domains:
            by_day, by_night = result.lent(name, 13 * 3600), result.lent(name, 24 * 3600 - 60)
            if name.startswith("night"):
                self.assertGreater(by_day, by_night, name)
            else:
                self.assertLess(by_day, by_night, name)

    def test_partition_surge(self) -> None:
        result = self.result("partition-surge")
        self.assertEqual(result.ooms(), 0)
        # While it surges it has nearly all of its 4 GiB, and others lend.
        self.assertLess(result.lent("surging", 8 * 60), 512 * MIB)
        self.assertGreater(result.lent("surging", 2 * 60), 1 * GIB)
        for name in ("web", "idle"):
            self.assertGreater(result.lent(name, 8 * 60), 1 * GIB)

    def test_policy_desk(self) -> None:
        result = self.result("policy-desk")
        self.assertEqual(result.of("brisk", "loaned_bytes"), 256 * MIB)
        self.assertEqual(result.of("brisk", "most_loaned_bytes"), GIB)
        self.assertGreater(result.of("silent", "short_moves")["refused"], 0)
        self.assertEqual(result.events("silent", "oom"), 1)
        for name in ("brisk", "silent"):
            self.assertEqual(result.ticks(name, "set_by_others"), 0)

    def test_quiet_host(self) -> None:
        result = self.result("quiet-host")
        self.assertEqual(len(result.domains), 20)
        self.assertEqual(result.ooms(), 0)
        self.assertEqual(sum(domain["total_bytes"] for domain in result.domains.values()),
                         result.host["total_bytes"] * 5 // 4)

    def test_squeezed_frozen(self) -> None:
        result = self.result("squeezed-frozen")
        self.assertGreater(result.ticks("a", "stale_stats"), 1700)
        self.assertEqual(result.returned("a"), 0)  # what it needs at its peak shows nowhere

    def test_squeezed_ideal(self) -> None:
        result = self.result("squeezed-ideal")
        self.assertEqual(result.ooms(), 0)
        for name in "abcd":
            self.assertGreater(result.returned(name), GIB)

    def test_squeezed_intermittent(self) -> None:
        result = self.result("squeezed-intermittent")
        self.assertEqual(result.ooms(), 0)
        for name in "abcd":
            self.assertGreater(result.returned(name), GIB)

    def test_squeezed_limited(self) -> None:
        result = self.result("squeezed-limited")
        self.assertGreater(result.ooms(), 0)  # the balloon is slower than what the guest needs
        self.assertGreater(result.credits(), 0)

    def test_squeezed_lying(self) -> None:
        result = self.result("squeezed-lying")
        self.assertGreater(result.events("a", "oom"), 0)
        self.assertGreater(result.of("a", "oom_freed_bytes"), 0)
        for name in "bcd":
            self.assertEqual(result.events(name, "oom"), 0)

    def test_squeezed_rebalance(self) -> None:
        result = self.result("squeezed-rebalance")
        self.assertEqual(result.ooms(), 0)
        for name in "ab":
            self.assertGreater(result.of(name, "loaned_bytes"), 2 * GIB)
        for name in "cd":
            self.assertLess(result.of(name, "loaned_bytes"), GIB)

    def test_squeezed_refused(self) -> None:
        result = self.result("squeezed-refused")
        self.assertEqual(result.ooms(), 0)
        for name in "abc":  # each keeps the 3 GiB that it uses
            self.assertLess(result.of(name, "most_loaned_bytes"), GIB)

    def test_squeezed_release(self) -> None:
        result = self.result("squeezed-release")
        self.assertFalse(result.of("leaver", "present"))
        for name in "abc":
            self.assertGreater(result.lent(name, 14 * 60), GIB)
            self.assertLess(result.of(name, "loaned_bytes"), GIB // 2)

    def test_squeezed_start(self) -> None:
        result = self.result("squeezed-start")
        self.assertEqual(result.events("newcomer", "domain_came"), 1)
        self.assertEqual(result.ooms(), 0)
        for name in "abc":  # before it comes
            self.assertGreater(result.lent(name, 14.5 * 60), GIB)

    def test_squeezed_stuck(self) -> None:
        result = self.result("squeezed-stuck")
        self.assertEqual(result.ooms(), 0)
        self.assertGreater(result.ticks("a", "no_driver"), 1500)
        self.assertEqual(result.of("a", "loaned_bytes"), 0)
        for name in "bcd":
            self.assertGreater(result.of(name, "most_loaned_bytes"), 2 * GIB)


def update() -> None:
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for old in GOLDEN.glob("*.json"):
        old.unlink()
    for example in EXAMPLES:
        text = json.dumps(golden(run(example)), indent=1)
        (GOLDEN / f"{example.stem}.json").write_text(text + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        unittest.main()
