"""Memory of a domain that its guest does not use, or that its balloon does not count."""

import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

DIMM_MIB = 256
KEPT_MIB = 256
MIB = 1 << 20
# What the guest's kernel and programs use of what it keeps.
OWN_USE_MIB = 56
OFFLINE = "grep -l offline /sys/devices/system/memory/memory*/state"


class PluggedTest(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab())
        # Without autodeflate nothing helps a guest that has lent too much.
        self.guest = self.lab.start_guest("g1", max_memory_mib=2048, autodeflate=False)
        self.daemon = self.enterContext(
            Daemon(self.lab, guests={"surge_below": 0}, min_mem_mb=KEPT_MIB, hotplug_delay=1))
        self.daemon.wait_settled("g1")

    def _total_mib(self) -> int:
        return self.daemon.domain("g1")["total_bytes"] // MIB

    def _lent_mib(self) -> int:
        return self.daemon.domain("g1")["loaned_bytes"] // MIB

    def test_min_mem_counts_from_what_the_guest_has_put_online(self):
        has_mib = self.guest.meminfo_kib("MemTotal") // MIB_KIB
        self.guest.plug_dimm(DIMM_MIB)
        wait_for("what is not online is left out", lambda: self._total_mib() == has_mib, 20, 0.2)
        self.daemon.ctl("set", "g1", "simulate_loan_target_kb", 2 * DIMM_MIB * MIB_KIB)
        wait_for("it lends what it can", lambda: self._lent_mib() == has_mib - KEPT_MIB, 20, 0.2)
        for _ in range(5):
            self.daemon.next_tick()
            self.assertGreaterEqual(self.guest.dommemstat()["usable"],
                                    (KEPT_MIB - OWN_USE_MIB) * MIB_KIB)
            self.assertEqual(self._lent_mib(), has_mib - KEPT_MIB)
        # Nothing is missing any more but what its kernel keeps for itself.
        self.guest.check(f"for state in $({OFFLINE}); do echo online >$state; done")
        total_mib = self.guest.memory_kib // MIB_KIB + DIMM_MIB
        wait_for("all of it counts", lambda: self._total_mib() == total_mib, 20, 0.2)
        wait_for("it lends the rest", lambda: self._lent_mib() == total_mib - KEPT_MIB, 20, 0.2)

    def test_persistent_memory_is_not_lent_and_does_not_look_lent(self):
        path = self.lab.folder / "pmem.raw"
        with open(path, "wb") as file:
            file.truncate(DIMM_MIB * MIB)
        self.guest.plug(
            f"<memory model='virtio-pmem' access='shared'><source><path>{path}</path></source>"
            f"<target><size unit='MiB'>{DIMM_MIB}</size></target></memory>")
        for _ in range(6):
            self.daemon.next_tick()
            self.assertEqual(self._lent_mib(), 0)
            self.assertEqual(self._total_mib(), self.guest.memory_kib // MIB_KIB)
        self.assertNotIn("somebody else", self.daemon.log())
        self.daemon.ctl("set", "g1", "simulate_loan_target_kb", 100 * MIB_KIB)
        wait_for("it lends", lambda: self._lent_mib() == 100, 20, 0.2)


if __name__ == "__main__":
    unittest.main()
