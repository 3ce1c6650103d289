"""What outlives the daemon, and what outlives the guest's QEMU."""

import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

LOAN_KIB = 256 * MIB_KIB
KEPT_KIB = 128 * MIB_KIB
FILE_MIB = 200


class RestartTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        cls.g1, cls.g2 = cls.lab.start_guests(["g1", "g2"])

    def setUp(self):
        # A surge would help before memory runs out.
        self.daemon = self.enterContext(
            Daemon(self.lab, guests={"surge_below": 0}, min_mem_mb=64))
        self.daemon.wait_settled("g1", "g2")

    def _lend(self, guest, kib: int) -> None:
        self.daemon.ctl("set", guest.name, "simulate_loan_target_kb", kib)
        self._wait_actual(guest, guest.memory_kib - kib)

    def _wait_actual(self, guest, kib: int) -> None:
        wait_for(f"{guest.name} keeps {kib} KiB", lambda: guest.actual_kib() == kib, 20)

    def test_credit_and_loan_outlive_a_daemon_that_is_killed_and_no_balloon_moves(self):
        self._lend(self.g1, self.g1.memory_kib - KEPT_KIB)
        wait_for("the daemon sees it",
                 lambda: self.daemon.domain("g1")["memory_bytes"] == KEPT_KIB * 1024, 5)
        self.g1.check("mkdir -p /mnt/t && mount -t tmpfs -o size=300m tmpfs /mnt/t")
        self.g1.check(f"dd if=/dev/zero of=/mnt/t/file bs=1M count={FILE_MIB}")

        def settled() -> int:
            credit = self.daemon.credit_kib("g1")
            return credit if credit > 0 and credit == self.g1.actual_kib() - KEPT_KIB else 0

        credit = wait_for("the credit is what the guest took back", settled, 20, 0.5)
        self.g1.check("rm /mnt/t/file && umount /mnt/t")
        self.daemon.next_tick()
        credit = wait_for("the credit is what the guest took back", settled, 20, 0.5)
        kept = self.g1.actual_kib()

        self.daemon.kill()
        self.daemon.start()
        self.assertEqual(self.daemon.credit_kib("g1"), credit)
        for _ in range(4):
            self.daemon.next_tick()
            self.assertEqual(self.g1.actual_kib(), kept)
        # It knows that all of it was lent by a daemon, and gives it back.
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self._wait_actual(self.g1, self.g1.memory_kib)

    def test_a_guest_that_is_saved_and_restored_goes_on_with_its_loan_and_books(self):
        self._lend(self.g2, LOAN_KIB)
        self.daemon.next_tick()
        image = self.lab.folder / "g2.saved"
        self.lab.virsh("save", "g2", image)
        wait_for("it is gone", lambda: "g2" not in self.daemon.domains()[1], 10)
        self.lab.virsh("restore", image)
        wait_for("it is back", lambda: "g2" in self.daemon.domains()[1], 10)
        for _ in range(3):
            self.daemon.next_tick()
            self.assertEqual(self.g2.actual_kib(), self.g2.memory_kib - LOAN_KIB)
        self.assertIn("carried_over", self.daemon.domain("g2")["flags"])
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self._wait_actual(self.g2, self.g2.memory_kib)


if __name__ == "__main__":
    unittest.main()
