"""Domains that are saved, reverted, or defined anew while they lend."""

import subprocess
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

MEMORY_KIB = 512 * MIB_KIB
LENT_KIB = 256 * MIB_KIB
STEP_KIB = 32 * MIB_KIB
# Without the surge, which would give back what is lent.
CALM = {"surge_below": 0}


class SavedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())

    def _start(self, **options) -> None:
        self.guest = self.lab.start_guest("g1", persistent=True, **options)
        self.addCleanup(lambda: self.guest.destroy())
        self.daemon = self.enterContext(Daemon(
            self.lab, guests=CALM, simulate_loan_target_kb=LENT_KIB,
            max_step=f"{STEP_KIB}KiB"))

    def _wait_mid_inflation(self) -> None:
        wait_for("it is in mid-inflation",
                 lambda: 0 < MEMORY_KIB - self.guest.actual_kib() < LENT_KIB, 20)

    def _wait_lent(self) -> None:
        wait_for("the guest lends", lambda: self.guest.actual_kib() == MEMORY_KIB - LENT_KIB, 30)

    def _wait_credit(self) -> int:
        """Makes the guest run out of memory. In KiB, once the daemon has told all of it."""
        self._wait_lent()
        self.guest.check("mkdir -p /mnt/t && mount -t tmpfs -o size=300m tmpfs /mnt/t"
                         " && dd if=/dev/zero of=/mnt/t/file bs=1M count=260 2>/dev/null; rm /mnt/t/file")

        def booked() -> int:
            self.daemon.next_tick()
            taken_kib = self.guest.actual_kib() - (MEMORY_KIB - LENT_KIB)
            for _ in range(2):
                self.daemon.next_tick()
                if self.daemon.credit_kib("g1") != taken_kib:
                    return 0
            return taken_kib

        return wait_for("a credit", booked, 40)

    def _save_and_restore(self) -> int:
        """What the guest kept when it was saved, in KiB."""
        self.lab.virsh("managedsave", "g1")
        wait_for("it is gone", lambda: "g1" not in self.daemon.domains()[1], 10)
        self.lab.virsh("start", "g1")
        kept_kib = self.guest.actual_kib()
        self.guest.connect()
        self.daemon.wait_settled("g1")
        return kept_kib

    def _give_back_everything(self) -> None:
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        wait_for("all of it is back", lambda: self.guest.actual_kib() == MEMORY_KIB, 20)

    # A restored guest that counts as new: what it lends would be its own for good.
    def test_a_guest_saved_in_mid_inflation_goes_on_where_it_was(self):
        self._start()
        self._wait_mid_inflation()
        kept_kib = self._save_and_restore()
        self.assertLess(kept_kib, MEMORY_KIB)
        self.assertGreater(kept_kib, MEMORY_KIB - LENT_KIB)
        self._wait_lent()
        self.daemon.next_tick()
        told = self.daemon.domain("g1")
        self.assertEqual(told["loaned_bytes"], LENT_KIB * 1024)
        self.assertEqual(self.daemon.credit_kib("g1"), 0)
        self.assertEqual(self.guest.check("echo here"), "here\n")
        self._give_back_everything()

    def test_a_saved_guest_keeps_its_credit_and_its_balloon(self):
        self._start()
        credit_kib = self._wait_credit()
        kept_kib = self.guest.actual_kib()
        # Its driver goes by what was set last, which may be a step of its OOM behind.
        self.assertGreaterEqual(self._save_and_restore(), kept_kib - MIB_KIB)
        wait_for("its balloon is as it was", lambda: self.guest.actual_kib() == kept_kib, 10)
        self.daemon.next_tick()
        for _ in range(3):
            self.daemon.next_tick()
            told = self.daemon.domain("g1")
            self.assertEqual(told["memory_bytes"], kept_kib * 1024)
            self.assertEqual(told["decided_bytes"], told["loaned_bytes"])
        self.assertEqual(self.daemon.credit_kib("g1"), credit_kib)
        self._give_back_everything()

    # Its balloon is what it was then, and no OOM of the guest's.
    def test_a_running_guest_that_is_reverted_to_a_snapshot_goes_on(self):
        disk = self.lab.folder / "g1.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "64M"], check=True)
        self._start(disk=disk)
        self._wait_mid_inflation()
        self.lab.virsh("snapshot-create-as", "g1", "before")
        self._wait_lent()
        self.lab.virsh("snapshot-revert", "g1", "before")
        self.guest.connect()
        self._wait_lent()
        for _ in range(2):
            self.daemon.next_tick()
        told = self.daemon.domain("g1")
        self.assertEqual(told["loaned_bytes"], LENT_KIB * 1024)
        self.assertEqual(self.daemon.credit_kib("g1"), 0)
        self.assertEqual(self.guest.check("echo here"), "here\n")
        self._give_back_everything()

    def test_a_guest_defined_anew_in_mid_inflation_starts_over_with_its_new_size(self):
        self._start()
        self._wait_mid_inflation()
        uuid = self.guest.uuid
        self.guest.destroy()
        smaller_kib = MEMORY_KIB - 128 * MIB_KIB
        self.guest = self.lab.start_guest("g1", memory_mib=smaller_kib // MIB_KIB,
                                          persistent=True, domain_uuid=uuid)
        wait_for("the new one lends",
                 lambda: self.guest.actual_kib() == smaller_kib - LENT_KIB, 30)
        self.daemon.next_tick()
        told = self.daemon.domain("g1")
        self.assertEqual(told["total_bytes"], smaller_kib * 1024)
        self.assertEqual(told["loaned_bytes"], LENT_KIB * 1024)
        self.assertEqual(self.daemon.credit_kib("g1"), 0)
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        wait_for("it has everything", lambda: self.guest.actual_kib() == smaller_kib, 20)


if __name__ == "__main__":
    unittest.main()
