"""Memory of a virtio-mem device, which grows and shrinks while the guest runs."""

import time
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

BASE_KIB = 512 * MIB_KIB
PLUGGED_KIB = 256 * MIB_KIB
LENT_KIB = 112 * MIB_KIB
DELAY_S = 4


class VirtioMemTest(unittest.TestCase):
    # libvirt counts what a virtio-mem device may come to as the domain's, so that it seems to be
    # lent, and takes the balloon's new size without what is plugged in, but tells it with that.
    def test_what_is_plugged_in_counts_and_nothing_more_is_lent_meanwhile(self):
        lab = self.enterContext(Lab())
        self.guest = lab.start_guest("g1", max_memory_mib=2048, virtio_mem_mib=512,
                                     cmdline="memhp_default_state=online_movable")
        self.daemon = self.enterContext(
            Daemon(lab, guests={"surge_below": 0}, hotplug_delay=DELAY_S))
        self.daemon.wait_settled("g1")
        self._check(total_kib=BASE_KIB, lent_kib=0)
        self._lend(LENT_KIB)
        self._wait(total_kib=BASE_KIB, lent_kib=LENT_KIB)

        self._resize(to_kib=PLUGGED_KIB)
        self._lend(2 * LENT_KIB)
        self._wait(total_kib=BASE_KIB + PLUGGED_KIB, lent_kib=2 * LENT_KIB)

        # Less memory is not a guest that took some back, and no one else's doing either.
        self._resize(to_kib=0)
        self.assertNotIn("somebody else", self.daemon.log())
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self.assertEqual(self.guest.actual_kib(), BASE_KIB)

    def _told(self) -> dict:
        return self.daemon.domain("g1")

    def _lend(self, kib: int) -> None:
        self.daemon.ctl("set", "g1", "simulate_loan_target_kb", kib)

    def _check(self, total_kib: int, lent_kib: int) -> None:
        told = self._told()
        self.assertEqual(told["total_bytes"], total_kib * 1024)
        self.assertEqual(told["loaned_bytes"], lent_kib * 1024)

    def _wait(self, total_kib: int, lent_kib: int) -> None:
        wait_for(f"{lent_kib} KiB are lent", lambda: self._told()["constraint"] == "none" and
                 self._told()["loaned_bytes"] == lent_kib * 1024, 60)
        self._check(total_kib, lent_kib)
        self.assertEqual(self.guest.actual_kib(), total_kib - lent_kib)
        self.assertEqual(self.daemon.credit_kib("g1"), 0)

    def _resize(self, to_kib: int) -> None:
        """All of it, and `hotplug_delay` after it."""
        lent_bytes = self._told()["loaned_bytes"]
        self.guest.request_virtio_mem(to_kib // MIB_KIB)
        wait_for("it is seen", lambda: self._told()["constraint"] == "hotplug", 20, 0.1)
        total_bytes = (BASE_KIB + to_kib) * 1024

        def resized() -> bool:
            told = self._told()
            self.assertEqual(told["loaned_bytes"], lent_bytes)
            self.assertEqual(told["oom_freed_bytes"], 0)
            return told["total_bytes"] == total_bytes

        wait_for("all of it", resized, 60, 0.2)
        began = time.monotonic()
        wait_for("it goes on", lambda: self._told()["constraint"] != "hotplug", 60, 0.1)
        # Seen a tick later at most.
        self.assertGreater(time.monotonic() - began, DELAY_S - 1)
        self.assertEqual(self._told()["loaned_bytes"], lent_bytes)
        self.assertEqual(self.daemon.credit_kib("g1"), 0)


if __name__ == "__main__":
    unittest.main()
