"""Guests whose driver reports no MemAvailable, as before Linux 4.6."""

import os
import pathlib
import subprocess
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

ALONE = True  # see run
HERE = pathlib.Path(__file__).resolve().parent
# Below it Linux has no transparent huge pages and keeps a few MiB free; from it on, 45 MiB.
SIZES_MIB = (384, 1024)
# 10 MiB a second, and what the guest has while it lends does not suffice.
FILL = ("for i in $(seq {parts}); do "
        "dd if=/dev/zero bs=1M count=5 2>/dev/null >>/mnt/t/file || exit 1; usleep 500000; done")


class OldStatisticsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        library = cls.lab.folder / "old_statistics.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-Os", "-o", library, HERE / "old_statistics.c",
                        "-ldl"], check=True)
        cls.environment = {**os.environ, "LD_PRELOAD": str(library)}

    def _runs_short(self, memory_mib: int) -> None:
        guest = self.lab.start_guest(f"old-{memory_mib}", memory_mib=memory_mib, autodeflate=False)
        loan_kib = memory_mib // 2 * MIB_KIB
        with Daemon(self.lab, environment=self.environment) as daemon:
            daemon.wait_settled(guest.name)
            figures = daemon.domain(guest.name)
            self.assertLess(figures["usable_bytes"], figures["unused_bytes"])
            daemon.ctl("set", guest.name, "simulate_loan_target_kb", loan_kib)
            wait_for("the loan", lambda: guest.actual_kib() == guest.memory_kib - loan_kib, 20)
            # Files in memory, which the guest reports as page cache.
            needed_mib = memory_mib // 2 + 50
            guest.check(f"mkdir -p /mnt/t && mount -t tmpfs -o size={needed_mib}m tmpfs /mnt/t")
            fill = FILL.format(parts=(needed_mib - 10) // 5)
            guest.check(f"({fill}; echo $? >/tmp/filled) </dev/null >/dev/null 2>&1 &")
            wait_for("it has all of it back", lambda: guest.actual_kib() == guest.memory_kib, 120)
            self.assertEqual(daemon.domain(guest.name)["constraint"], "surge")
            wait_for("the program is through",
                     lambda: guest.run("cat /tmp/filled")[1].strip() == "0", 120, 0.5)
            self.assertEqual(guest.vmstat()["oom_kill"], 0)

    def test_a_guest_that_runs_short_has_its_memory_back_before_anything_is_killed(self):
        for memory_mib in SIZES_MIB:
            with self.subTest(memory_mib=memory_mib):
                self._runs_short(memory_mib)


if __name__ == "__main__":
    unittest.main()
