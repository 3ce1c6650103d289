"""A guest that is migrated while it lends, between two hosts that both run Ballast."""

import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

MEMORY_MIB = 512
LENT_KIB = 256 * MIB_KIB


class MigrationTest(unittest.TestCase):
    def setUp(self):
        self.source, self.target = self.enterContext(Lab()), self.enterContext(Lab())
        self.guest = self.source.start_guest("g1", memory_mib=MEMORY_MIB)
        # Without the surge, which would give back all that could arrive.
        calm = {"surge_below": "0"}
        self.here = self.enterContext(
            Daemon(self.source, guests=calm, simulate_loan_target_kb=LENT_KIB))
        self.there = self.enterContext(Daemon(self.target, guests=calm))

    def _actual_kib(self, lab) -> int:
        return int(lab.virsh("domstats", "--balloon", "--nowait", "g1")
                   .split("balloon.current=")[1].split()[0])

    # Ballooning against a live migration; a target host that knows nothing of what the guest went through.
    def test_nothing_moves_and_size_and_credit_arrive(self):
        kept_kib = MEMORY_MIB * MIB_KIB - LENT_KIB
        wait_for("the guest lends", lambda: self.guest.actual_kib() == kept_kib, 30)
        # The guest runs out of memory: a credit.
        self.guest.check("mkdir -p /mnt/t && mount -t tmpfs -o size=300m tmpfs /mnt/t"
                         " && dd if=/dev/zero of=/mnt/t/file bs=1M count=260 2>/dev/null")
        credit_kib = wait_for("a credit", lambda: self.here.credit_kib("g1"), 30)

        def books_are_with_it() -> bool:
            books = self.source.virsh("metadata", "g1", "urn:ballast:books:1", check=False)
            credit = self.here.credit_kib("g1") * 1024
            return books and f'oom-freed-bytes="{credit}"' in books

        wait_for("the books are with the domain", books_are_with_it, 40)
        credit_kib = self.here.credit_kib("g1")
        kept_kib = self.guest.actual_kib()
        self.assertLess(kept_kib, MEMORY_MIB * MIB_KIB)
        self.source.migrate("g1", self.target)
        wait_for("it is settled there", lambda: "g1" in (known := self.there.domains()[1])
                 and not {"migrating", "starting"} & set(known["g1"]["flags"]), 30)
        for _ in range(5):
            self.there.next_tick()
            told = self.there.domain("g1")
            self.assertEqual(told["memory_bytes"], kept_kib * 1024)
            self.assertEqual(told["decided_bytes"], told["loaned_bytes"])
        self.assertEqual(self.there.credit_kib("g1"), credit_kib)
        self.assertEqual(self._actual_kib(self.target), kept_kib)
        # What it lent there is known to be lent, and comes back here.
        self.assertEqual(self.there.stop(), 0, self.there.log())
        wait_for("all of it is back", lambda: self._actual_kib(self.target) ==
                 MEMORY_MIB * MIB_KIB, 30)


if __name__ == "__main__":
    unittest.main()
