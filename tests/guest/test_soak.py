"""Many guests that allocate, free, reboot and pause at random while they lend and take back.

$BALLAST_SOAK_S is how long, 30 s without it; $BALLAST_SOAK_SEED what happens, 1 without it.
"""

import os
import random
import time
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

ALONE = True  # see run
SECONDS = float(os.environ.get("BALLAST_SOAK_S", "30"))
SEED = int(os.environ.get("BALLAST_SOAK_SEED", "1"))
GUESTS = 8
MEMORY_MIB = 192
MIN_MEM_MB = 96
# What a guest may need beside what it keeps at least: autodeflate has to help.
LARGEST_FILE_MIB = 90
RESERVE_MIB = 512


class SoakTest(unittest.TestCase):
    # Overcommitted hosts lose guests to the OOM killer, or memory in the books.
    def test_no_guest_is_harmed_and_all_memory_is_accounted_for(self):
        self.random = random.Random(SEED)
        self.lab = self.enterContext(Lab())
        self.guests = self.lab.start_guests([f"s{number}" for number in range(GUESTS)],
                                            memory_mib=MEMORY_MIB)
        for guest in self.guests:
            self._mount(guest)
        self.daemon = self.enterContext(
            Daemon(self.lab, host={"reserve": f"{RESERVE_MIB}MiB"}, min_mem_mb=MIN_MEM_MB,
                   guests={"surge_below": "16MiB"}))
        self.daemon.wait_settled(*(guest.name for guest in self.guests))
        self.paused = {}
        self.done = {}
        self.killed = 0
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self._resume_those_due()
            self._step(self.random.choice(self.guests))
            self._look()
        for guest in list(self.paused):
            self._resume(guest)
        print(f"{self.done} ... ", end="", flush=True)
        self._account()

    def _mount(self, guest) -> None:
        guest.check(f"mkdir -p /mnt/t && mount -t tmpfs -o size={LARGEST_FILE_MIB + 10}m tmpfs /mnt/t")

    # --- what happens

    def _step(self, guest) -> None:
        actions = {"lend": 6, "allocate": 5, "free": 4, "pause": 1, "reboot": 1}
        action = self.random.choices(list(actions), list(actions.values()))[0]
        if action != "lend" and guest in self.paused:
            return
        self.done[action] = self.done.get(action, 0) + 1
        getattr(self, f"_{action}")(guest)

    def _lend(self, guest) -> None:
        # Beyond what it may lend, too.
        kib = self.random.randrange(0, (MEMORY_MIB + 64) * MIB_KIB, 1024)
        self.daemon.ctl("set", guest.name, "simulate_loan_target_kb", kib)

    def _allocate(self, guest) -> None:
        mib = self.random.randint(1, LARGEST_FILE_MIB)
        guest.check(f"dd if=/dev/zero of=/mnt/t/file bs=1M count={mib} 2>/dev/null")

    def _free(self, guest) -> None:
        guest.check("rm -f /mnt/t/file")

    def _pause(self, guest) -> None:
        self.lab.virsh("suspend", guest.name)
        self.paused[guest] = time.monotonic() + self.random.uniform(1, 5)

    def _resume(self, guest) -> None:
        del self.paused[guest]
        self.lab.virsh("resume", guest.name)

    def _resume_those_due(self) -> None:
        for guest, due in list(self.paused.items()):
            if time.monotonic() >= due:
                self._resume(guest)

    def _reboot(self, guest) -> None:
        self.killed += guest.vmstat()["oom_kill"]
        self.lab.virsh("reset", guest.name)
        guest.wait_ready()
        self._mount(guest)

    # --- what holds

    def _look(self) -> None:
        for name, told in self.daemon.domains()[1].items():
            self.assertGreaterEqual(told["memory_bytes"], MIN_MEM_MB << 20, name)
            self.assertGreaterEqual(told["total_bytes"] - told["decided_bytes"], MIN_MEM_MB << 20,
                                    name)
        host = self.daemon.status()["host"]
        self.assertGreaterEqual(host["available_bytes"], RESERVE_MIB << 20)

    def _account(self) -> None:
        for guest in self.guests:
            self.assertEqual(guest.vmstat()["oom_kill"], 0, guest.name)
        self.assertEqual(self.killed, 0)

        def same() -> bool:
            told = self.daemon.domains()[1]
            return all(told[guest.name]["memory_bytes"] == guest.actual_kib() * 1024
                       for guest in self.guests)

        wait_for("the books say what libvirt says, to the KiB", same, 30, 0.5)
        for name, told in self.daemon.domains()[1].items():
            moved = told["inflated_total_bytes"] - told["deflated_total_bytes"]
            self.assertEqual(moved, told["loaned_bytes"], name)
        stopped = self.daemon.stop()
        kept = {guest.name: (guest.actual_kib(), guest.memory_kib) for guest in self.guests}
        self.assertEqual(stopped, 0, f"{kept}\n{self.daemon.log()}")
        for guest in self.guests:
            self.assertEqual(guest.actual_kib(), guest.memory_kib, guest.name)


if __name__ == "__main__":
    unittest.main()
