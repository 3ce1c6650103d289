"""Memory that is plugged into a running guest."""

import time
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

DELAY_S = 4
DIMM_MIB = 128


class HotplugTest(unittest.TestCase):
    # Balloon managers that go on with the old total take the new memory away at once.
    def test_a_dimm_that_is_plugged_in_counts_and_nothing_is_lent_meanwhile(self):
        lab = self.enterContext(Lab())
        guest = lab.start_guest("plugged", max_memory_mib=1024)
        daemon = self.enterContext(
            Daemon(lab, guests={"surge_below": 0}, min_mem_mb=64, hotplug_delay=DELAY_S))
        daemon.wait_settled("plugged")
        daemon.ctl("set", "plugged", "simulate_loan_target_kb", 64 * MIB_KIB)
        wait_for("a loan", lambda: guest.actual_kib() == guest.memory_kib - 64 * MIB_KIB, 20)

        guest.plug_dimm(DIMM_MIB)
        began = time.monotonic()
        daemon.ctl("set", "plugged", "simulate_loan_target_kb", 200 * MIB_KIB)
        wait_for("it is seen", lambda: daemon.domain("plugged")["constraint"] == "hotplug", 5, 0.1)
        total_kib = guest.memory_kib + DIMM_MIB * MIB_KIB
        told = daemon.domain("plugged")
        self.assertEqual(told["total_bytes"], total_kib * 1024)
        self.assertEqual(told["decided_bytes"], told["loaned_before_bytes"])
        wait_for("it lends once things have settled",
                 lambda: guest.actual_kib() == total_kib - 200 * MIB_KIB, 30, 0.1)
        self.assertGreater(time.monotonic() - began, DELAY_S)
        self.assertEqual(daemon.credit_kib("plugged"), 0)
        self.assertEqual(daemon.stop(), 0, daemon.log())
        self.assertEqual(guest.actual_kib(), total_kib)


if __name__ == "__main__":
    unittest.main()
