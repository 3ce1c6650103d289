"""Daemons that are killed between a move and its record, on a slow disk, and states that are damaged.

BALLAST_KILLS: how many daemons are killed; the short form kills 5.
"""

import os
import pathlib
import random
import subprocess
import time
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

KILLS = int(os.environ.get("BALLAST_KILLS", "5"))
LOAN_KIB = 128 * MIB_KIB
SHIM = pathlib.Path(__file__).resolve().parents[1] / "daemon/slow_disk.c"
SLOW_DISK_MS = 400


class KillsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        cls.guests = cls.lab.start_guests(["g1", "g2"], memory_mib=384)
        cls.shim = cls.lab.folder / "slow_disk.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", cls.shim, SHIM], check=True)

    def setUp(self):
        self.random = random.Random(1)
        # One that came with a balloon, which is not Ballast's to give back.
        self.originals = {"g1": 0, "g2": 64 * MIB_KIB}
        for guest in self.guests:
            self.lab.virsh("setmem", guest.name, guest.memory_kib - self.originals[guest.name])
            self._wait_lent(guest, self.originals[guest.name])

    def _lent_kib(self, guest) -> int:
        return guest.memory_kib - guest.actual_kib()

    def _wait_lent(self, guest, kib: int) -> None:
        wait_for(f"{guest.name} lends {kib} KiB", lambda: self._lent_kib(guest) == kib, 30)

    def _daemon(self, slow: bool) -> Daemon:
        environment = {**os.environ}
        if slow:
            environment |= {"LD_PRELOAD": str(self.shim), "SLOW_DISK_MS": str(SLOW_DISK_MS)}
        return Daemon(self.lab, guests={"surge_below": 0}, environment=environment,
                      simulate_loan_target_kb=LOAN_KIB)

    def _lend_and_kill(self) -> Daemon:
        daemon = self._daemon(slow=False)
        daemon.start()
        for guest in self.guests:
            self._wait_lent(guest, LOAN_KIB)
        daemon.next_tick()
        time.sleep(0.5)
        daemon.kill()
        return daemon

    def _check_restart_gives_all_back(self, daemon: Daemon) -> None:
        daemon.start()
        self.addCleanup(daemon.__exit__)
        daemon.wait_settled("g1", "g2")
        self.assertEqual(daemon.stop(), 0, daemon.log())
        for guest in self.guests:
            self._wait_lent(guest, self.originals[guest.name])

    def test_no_moment_of_a_kill_costs_a_guest_its_memory(self):
        lent = 0
        for number in range(KILLS):
            with self.subTest(number):
                daemon = self._daemon(slow=True)
                daemon.start()
                # Around the first moves: the record takes one to two ticks on this disk.
                time.sleep(self.random.uniform(0, 4))
                daemon.kill()
                time.sleep(1)  # what was asked for comes to be
                lent += any(self._lent_kib(guest) > self.originals[guest.name]
                            for guest in self.guests)
                self._check_restart_gives_all_back(daemon)
        self.assertGreater(lent, 0)

    def test_each_kind_of_damage_is_shown_and_costs_nothing(self):
        def flip(data: bytes) -> bytes:
            at = data.find(b"g1")
            return data[:at] + b"G" + data[at + 1:]

        damages = {
            "removed": None,
            "empty": lambda data: b"",
            "truncated": lambda data: data[:5000],
            "a byte": flip,
            "no database": lambda data: b"x" * len(data),
        }
        for name, damage in damages.items():
            with self.subTest(name):
                daemon = self._lend_and_kill()
                state = daemon.folder / "state.db"
                whole = state.read_bytes()
                for path in daemon.folder.glob("state.db*"):
                    path.unlink()
                if damage is not None:
                    state.write_bytes(damage(whole))
                daemon.start()
                self.addCleanup(daemon.__exit__)
                daemon.wait_settled("g1", "g2")
                told = daemon.status()["state"]
                self.assertGreater(told["recovered_domains"], 0)
                self.assertIn("taken over from its metadata", daemon.log())
                if damage is not None:
                    self.assertIn("state.db.damaged-1", told["damage"])
                    self.assertTrue((daemon.folder / "state.db.damaged-1").exists())
                self.assertEqual(daemon.stop(), 0, daemon.log())
                for guest in self.guests:
                    self._wait_lent(guest, self.originals[guest.name])


if __name__ == "__main__":
    unittest.main()
