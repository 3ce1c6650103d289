"""The workload simulator held against a real guest: the same workload in both, phase by phase.

docs/simulator.md tells what is compared, how closely, and what does not match.
"""

import dataclasses
import json
import pathlib
import subprocess
import sys
import time
import unittest

from daemon import program
from guest import MIB_KIB
from lab import Lab, wait_for

ALONE = True  # see run
HERE = pathlib.Path(__file__).resolve().parent
MEMORY_MIB = 512
# On the disk: the program first, then a file that is used over and over, then files read once.
DISK_MIB = 512
HOT_AT_MIB = 16
HOT_MIB = 32
COLD_AT_MIB = 64
COLD_MIB_PER_S = 8
PROGRAM_MIB = 160
SURGE_MIB = 240
# What no phase may be off, of the guest's memory.
TOLERANCE_PERCENT = 8
# Pages read back in a phase; fewer is noise.
SOME_REFAULTS = 320
# The simulator's watermark of a guest of this size: memory that is free and not usable.
WATERMARK_KIB = 4344


@dataclasses.dataclass
class Phase:
    """From its start on the guest's programs hold so much, and so much is to be lent."""
    name: str
    lasts_s: int
    holds_mib: int
    lent_mib: int


PHASES = [
    Phase("reads files", 4, 0, 0),
    Phase("a program grows", 4, PROGRAM_MIB, 0),
    Phase("lends free memory", 3, PROGRAM_MIB, 64),
    Phase("lends cold cache", 4, PROGRAM_MIB, 168),
    Phase("lends hot cache", 4, PROGRAM_MIB, 264),
    Phase("gets it back", 4, PROGRAM_MIB, 64),
    Phase("the program ends", 3, 0, 64),
    Phase("lends nearly all", 4, 0, 320),
    Phase("runs out of memory", 4, SURGE_MIB, 320),
]


@dataclasses.dataclass
class Figures:
    """At the end of a phase, in MiB; within it, pages that were read back, and whether the guest took
    something out of its balloon."""
    kept: float
    unused: float
    usable: float
    cache: float
    refaults: int
    deflated_itself: bool
    major_faults: int = 0  # the guest's own count: read-ahead hides most


class RealGuest:
    """Runs the phases, each for its time by the clock."""

    def __init__(self, guest):
        self.guest = guest
        guest.check("dd if=/dev/vda of=/tmp/workload bs=1M count=1 2>/dev/null; chmod +x /tmp/workload")
        self._start(f"use /dev/vda {HOT_AT_MIB} {HOT_MIB}", "use")
        self.told = self._settled()

    def _start(self, arguments: str, name: str) -> None:
        """Until it has touched all that it wants."""
        self.guest.check(f"/tmp/workload {arguments} >/tmp/{name} 2>&1 & echo $! >/tmp/{name}.pid; "
                         f"until grep -q ready /tmp/{name}; do sleep 0.1; done")

    def _settled(self) -> dict[str, int]:
        """Statistics that are younger than this call."""
        before = self.guest.dommemstat().get("last_update", 0)
        return wait_for("statistics", lambda: (told := self.guest.dommemstat()).get(
            "last_update", 0) > before and "usable" in told and told, 10)

    def run(self) -> list[Figures]:
        self.guest.check(
            f"(at={COLD_AT_MIB}; while :; do "
            f"dd if=/dev/vda of=/dev/null bs=1M count={COLD_MIB_PER_S} skip=$at 2>/dev/null; "
            f"at=$((at + {COLD_MIB_PER_S})); [ $at -lt {DISK_MIB} ] || at={COLD_AT_MIB}; sleep 1; "
            f"done) >/dev/null 2>&1 &")
        holds_mib = lent_mib = 0
        seen = []
        due = time.monotonic()
        for phase in PHASES:
            faults = self.guest.dommemstat()["major_fault"]
            before = self.guest.vmstat()
            if phase.holds_mib < holds_mib:
                self.guest.check("kill $(cat /tmp/hold.pid)")
            if phase.lent_mib != lent_mib:
                self.guest.set_memory_kib((MEMORY_MIB - phase.lent_mib) * MIB_KIB)
            if phase.holds_mib > holds_mib:
                self._start(f"hold {phase.holds_mib}", "hold")
            asked_back = phase.lent_mib < lent_mib
            holds_mib, lent_mib = phase.holds_mib, phase.lent_mib
            due += phase.lasts_s
            time.sleep(max(0, due - time.monotonic()))
            told = self.guest.dommemstat()
            after = self.guest.vmstat()
            seen.append(Figures(
                told["actual"] / MIB_KIB, told["unused"] / MIB_KIB, told["usable"] / MIB_KIB,
                told["disk_caches"] / MIB_KIB,
                after["workingset_refault_file"] - before["workingset_refault_file"],
                not asked_back and after["balloon_deflate"] > before["balloon_deflate"],
                told["major_fault"] - faults))
        return seen


def simulated(folder: pathlib.Path, base_mib: float) -> list[Figures]:
    """The same phases in the simulator; `base_mib` is used before the first."""
    used, loan, at_s = [], [], 0
    for phase in PHASES:
        for points, mib in ((used, base_mib + phase.holds_mib), (loan, phase.lent_mib)):
            if points:
                points.append([f"{at_s * 1000}ms", points[-1][1]])
            points.append([f"{at_s * 1000 + (1 if points else 0)}ms", f"{int(mib * MIB_KIB)}KiB"])
        at_s += phase.lasts_s
    scenario = folder / "phases.yaml"
    # JSON is YAML too.
    scenario.write_text(json.dumps({
        "mode": "simulate", "backend": {"name": "mock"}, "cmm": {"min_mem_mb": 64},
        "scenario": {
            "description": "What test_simulator.py does to a real guest.", "duration": f"{at_s}s",
            "pool": {"memory": "4GiB"},
            "domains": [{"name": "g1", "memory": f"{MEMORY_MIB}MiB", "page": "4KiB",
                         "used": {"points": used}, "loan": {"points": loan}}]}}))
    model = {
        "turnover_s": 1,
        "hot_cache_percent": 100 * HOT_MIB / (base_mib + PROGRAM_MIB),
        "cache_fill_s": MEMORY_MIB / COLD_MIB_PER_S,
    }
    answer = subprocess.run(
        [program("ballastctl"), "compare", scenario, "--json", "--policies", "cmm", "--tick", "1s",
         "--samples", str(at_s), *(word for name, value in model.items()
                                   for word in ("--model", f"{name}={value}"))],
        stdout=subprocess.PIPE, check=True, text=True).stdout
    samples = next(run["samples"] for run in json.loads(answer)["results"]
                   if run["policy"] == "cmm")
    seen, start = [], 0
    mib = MIB_KIB * 1024
    for phase in PHASES:
        of_phase = samples[start:start + phase.lasts_s]
        start += phase.lasts_s
        last = of_phase[-1]
        seen.append(Figures(
            MEMORY_MIB - last["lent_bytes"] / mib, last["unused_bytes"] / mib,
            last["usable_bytes"] / mib, last["cache_bytes"] / mib,
            sum(sample["guest_faults"] for sample in of_phase),
            any(sample["guest_ooms"] for sample in of_phase)))
    return seen


def table(real: list[Figures], model: list[Figures]) -> str:
    lines = [f"{'phase':<20}{'kept':>12}{'unused':>12}{'usable':>12}{'cache':>12}{'refaults':>14}{'major':>8}"
             "  deflates itself   (guest/simulator)"]
    for phase, one, other in zip(PHASES, real, model):
        pairs = [f"{getattr(one, name):.0f}/{getattr(other, name):.0f}"
                 for name in ("kept", "unused", "usable", "cache")]
        lines.append(f"{phase.name:<20}" + "".join(f"{pair:>12}" for pair in pairs) +
                     f"{f'{one.refaults}/{other.refaults}':>14}{one.major_faults:>8}"
                     f"  {one.deflated_itself}/{other.deflated_itself}")
    return "\n".join(lines)


class SimulatorTest(unittest.TestCase):
    def test_a_real_guest_and_the_simulator_agree_phase_by_phase(self):
        lab = self.enterContext(Lab())
        disk = lab.folder / "g1.raw"
        subprocess.run(["cc", "-static", "-Os", "-s", "-o", disk, HERE / "workload.c"], check=True)
        self.assertLess(disk.stat().st_size, 1 << 20)
        with open(disk, "ab") as file:
            file.truncate(DISK_MIB << 20)
        guest = lab.start_guest("g1", memory_mib=MEMORY_MIB, disk=disk, disk_format="raw")
        real_guest = RealGuest(guest)
        base_mib = MEMORY_MIB - (real_guest.told["usable"] + WATERMARK_KIB) / MIB_KIB
        real = real_guest.run()
        model = simulated(lab.folder, base_mib)
        report = table(real, model)
        print(f"\n{report}", file=sys.stderr)
        for phase, one, other in zip(PHASES, real, model):
            for figure in ("kept", "unused", "usable"):
                off = abs(getattr(one, figure) - getattr(other, figure))
                self.assertLess(100 * off / MEMORY_MIB, TOLERANCE_PERCENT,
                                f"{phase.name}: {figure}\n{report}")
            self.assertEqual(one.refaults >= SOME_REFAULTS, other.refaults >= SOME_REFAULTS,
                             f"{phase.name}: refaults\n{report}")
            self.assertEqual(one.deflated_itself, other.deflated_itself,
                             f"{phase.name}: deflates itself\n{report}")


if __name__ == "__main__":
    unittest.main()
