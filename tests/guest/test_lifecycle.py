"""What happens to a domain while its balloon moves, and domains that cannot lend."""

import time
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

LOAN_KIB = 256 * MIB_KIB
NO_SURGE = {"surge_below": 0}


class LifecycleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        cls.guest, cls.mute = cls.lab.start_guests(["g1"]) + cls.lab.start_guests(
            ["mute"], cmdline="without_virtio_balloon", memory_mib=256)

    def setUp(self):
        self.guest.set_memory_kib(self.guest.memory_kib)
        self._wait_actual(self.guest.memory_kib)
        self.daemon = None

    def _start(self, **guests) -> None:
        self.daemon = self.enterContext(
            Daemon(self.lab, guests={**NO_SURGE, **guests}, min_mem_mb=64))
        self.daemon.wait_settled("g1")

    def _wait_actual(self, kib: int) -> None:
        wait_for(f"it keeps {kib} KiB", lambda: self.guest.actual_kib() == kib, 30)

    def _lend(self, kib: int) -> None:
        self.daemon.ctl("set", "g1", "simulate_loan_target_kb", kib)

    def _constraint(self, name: str = "g1") -> str:
        return self.daemon.domain(name)["constraint"]

    # A domain without a driver is reported as lending nothing, and nobody says why.
    def test_a_guest_without_the_driver_is_named_and_not_asked(self):
        self._start()
        wait_for("it is past its start", lambda: self._constraint("mute") == "no_stats", 30)
        self.daemon.ctl("set", "mute", "simulate_loan_target_kb", 64 * MIB_KIB)
        self.daemon.next_tick()
        told = self.daemon.domain("mute")
        self.assertEqual((told["constraint"], told["decided_bytes"]), ("no_stats", 0))
        self.assertIn("no_stats", self.daemon.ctl("explain", "mute"))

    def test_a_paused_guest_is_left_alone_and_goes_on_afterwards(self):
        self._start()
        self._lend(LOAN_KIB)
        self.lab.virsh("suspend", "g1")
        try:
            wait_for("it is seen", lambda: self._constraint() == "paused", 5)
            at = self.guest.actual_kib()
            for _ in range(3):
                self.daemon.next_tick()
                self.assertEqual(self.guest.actual_kib(), at)
        finally:
            self.lab.virsh("resume", "g1")
        self._wait_actual(self.guest.memory_kib - LOAN_KIB)

    def test_a_guest_that_reboots_in_mid_inflation_lends_again_and_is_owed_nothing(self):
        self._start()
        self._lend(LOAN_KIB)
        self._wait_actual(self.guest.memory_kib - LOAN_KIB)
        self.lab.virsh("reset", "g1")
        self.guest.wait_ready()
        self._wait_actual(self.guest.memory_kib - LOAN_KIB)
        wait_for("and all is as before", lambda: self._constraint() == "none", 20)
        self.assertEqual(self.daemon.credit_kib("g1"), 0)
        # All of it is the daemon's to give back.
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self._wait_actual(self.guest.memory_kib)

    def test_a_guest_that_is_destroyed_in_mid_inflation_is_forgotten(self):
        self._start()
        other = self.lab.start_guest("brief", memory_mib=256)
        self.daemon.wait_settled("brief")
        self.daemon.ctl("set", "brief", "simulate_loan_target_kb", 128 * MIB_KIB)
        other.destroy()
        wait_for("it is gone", lambda: "brief" not in self.daemon.domains()[1], 10)
        other = self.lab.start_guest("brief", memory_mib=256)
        self.daemon.wait_settled("brief")
        self.daemon.next_tick()
        self.assertEqual(self.daemon.domain("brief")["oom_freed_bytes"], 0)
        other.destroy()

    # A management platform and a balloon manager that fight over the same balloon.
    def test_memory_that_others_set_is_adopted(self):
        self._start(set_by_others="adopt")
        self._lend_and_set()
        self._wait_actual(self._theirs_kib)
        for _ in range(4):
            self.daemon.next_tick()
            self.assertEqual(self.guest.actual_kib(), self._theirs_kib)
        wait_for("it is adopted", lambda: "that is its size from now on" in self.daemon.log(), 15)
        self.daemon.next_tick()
        self.assertEqual(self.guest.actual_kib(), self._theirs_kib)
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self.assertEqual(self.guest.actual_kib(), self._theirs_kib)

    def test_memory_that_others_set_is_overridden(self):
        self._start(set_by_others="override")
        self._lend_and_set()
        self._wait_actual(self.guest.memory_kib - LOAN_KIB)

    def test_a_domain_whose_memory_others_set_is_released(self):
        self._start(set_by_others="release")
        self._lend_and_set()
        wait_for("it is released",
                 lambda: "it is left alone from now on" in self.daemon.log(), 15)
        self.assertEqual(self._constraint(), "set_by_others")
        self.daemon.ctl("enable", "g1")
        wait_for("it is ours again", lambda: self._constraint() == "none", 5)

    def _lend_and_set(self) -> None:
        self._lend(LOAN_KIB)
        self._wait_actual(self.guest.memory_kib - LOAN_KIB)
        self.daemon.next_tick()
        # Less than we left it: with autodeflate, more could be the guest's own doing.
        self._theirs_kib = self.guest.memory_kib - LOAN_KIB - 64 * MIB_KIB
        self.guest.set_memory_kib(self._theirs_kib)

    def test_libvirtd_killed_in_mid_inflation_loses_nothing(self):
        self._start()
        self._lend(LOAN_KIB)
        time.sleep(0.3)
        self.lab.kill_libvirtd()
        wait_for("the loss is seen", lambda: not self.daemon.status()["backend"]["up"], 15)
        self.lab.start_libvirtd()
        wait_for("the daemon is back", lambda: self.daemon.status()["backend"]["up"], 30)
        self._wait_actual(self.guest.memory_kib - LOAN_KIB)
        self.daemon.next_tick()
        told = self.daemon.domain("g1")
        self.assertEqual(told["loaned_bytes"], LOAN_KIB * 1024)
        self.assertEqual(self.daemon.credit_kib("g1"), 0)
        self._lend(0)
        self._wait_actual(self.guest.memory_kib)


if __name__ == "__main__":
    unittest.main()
