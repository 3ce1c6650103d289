"""A guest whose kernel panics while it lends."""

import time
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

ALONE = True  # see run
LENT_KIB = 128 * MIB_KIB


class CrashTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())

    def setUp(self):
        self.guest, self.well = self.lab.start_guests(["g1", "well"], memory_mib=256)
        self.addCleanup(self.guest.destroy)
        self.addCleanup(self.well.destroy)
        self.daemon = self.enterContext(
            Daemon(self.lab, guests={"surge_below": 0}, simulate_loan_target_kb=LENT_KIB))
        self._wait_kept(self.guest.memory_kib - LENT_KIB)
        self.guest.panic()
        wait_for("it is seen", lambda: self._told()["constraint"] == "crashed", 10)

    def _told(self) -> dict:
        return self.daemon.domain("g1")

    def _wait_kept(self, kib: int) -> None:
        for guest in (self.guest, self.well):
            wait_for(f"it keeps {kib} KiB", lambda: guest.actual_kib() == kib, 30)

    def _reset(self) -> None:
        self.lab.virsh("reset", "g1")
        self.assertEqual(self._told()["constraint"], "crashed")
        self.lab.virsh("resume", "g1")
        self.guest.wait_ready()

    def test_nothing_of_it_moves_until_it_is_reset(self):
        self.assertEqual(self.guest.state(), "crashed (panicked)")
        self.daemon.ctl("set", "g1", "simulate_loan_target_kb", 0)
        for _ in range(3):
            self.daemon.next_tick()
            told = self._told()
            self.assertEqual(told["constraint"], "crashed")
            self.assertEqual(told["decided_bytes"], LENT_KIB * 1024)
        self._reset()
        wait_for("it lends nothing any more",
                 lambda: self._told()["loaned_bytes"] == 0 and
                 self._told()["constraint"] == "none", 30)
        self.daemon.ctl("set", "g1", "simulate_loan_target_kb", LENT_KIB)
        self._wait_kept(self.guest.memory_kib - LENT_KIB)
        self.assertEqual(self.daemon.credit_kib("g1"), 0)

    # A guest without a kernel takes nothing back: who waits for that waits until time is up.
    def test_a_daemon_stops_without_waiting_for_it_and_its_next_kernel_has_everything(self):
        began = time.monotonic()
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn("g1: the guest has crashed", self.daemon.log())
        self.assertEqual(self.well.actual_kib(), self.well.memory_kib)
        self.lab.virsh("reset", "g1")
        self.lab.virsh("resume", "g1")
        self.guest.wait_ready()
        wait_for("nothing of it is lent",
                 lambda: self.guest.vmstat()["balloon_inflate"] ==
                 self.guest.vmstat()["balloon_deflate"], 10)


if __name__ == "__main__":
    unittest.main()
