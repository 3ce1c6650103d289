"""Policy ballast, the default: nothing moves without need, and nobody is short of what was lent."""

import time
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, host_available_kib, wait_for

STEP_MIB = 32
STEPS = 6


class BallastTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        cls.idle, cls.full = cls.lab.start_guests(["idle", "full"], free_page_reporting=False)
        cls.full.check("mkdir -p /mnt/t && mount -t tmpfs -o size=400m tmpfs /mnt/t && "
                       "dd if=/dev/zero of=/mnt/t/file bs=1M count=300 2>/dev/null")
        # The host holds what a guest has once touched; only that can be had from it.
        cls.idle.check("mkdir -p /mnt/t && mount -t tmpfs -o size=400m tmpfs /mnt/t && "
                       "dd if=/dev/zero of=/mnt/t/file bs=1M count=380 2>/dev/null && "
                       "rm /mnt/t/file")

    def setUp(self):
        self.idle.check("rm -f /mnt/t/part*")
        for guest in (self.idle, self.full):
            guest.set_memory_kib(guest.memory_kib)
            wait_for("all its memory", lambda guest=guest: guest.actual_kib() == guest.memory_kib, 20)

    def _short_host(self) -> Daemon:
        """A daemon that is to keep more of the host than there is."""
        reserve_kib = host_available_kib() + 4096 * MIB_KIB
        daemon = self.enterContext(
            Daemon(self.lab, policy="ballast", host={"reserve": f"{reserve_kib}KiB"}))
        daemon.wait_settled("idle", "full")
        return daemon

    def test_nothing_moves_while_the_host_has_enough(self):
        daemon = self.enterContext(Daemon(self.lab, policy="ballast"))
        daemon.wait_settled("idle", "full")
        time.sleep(5)
        for guest in (self.idle, self.full):
            self.assertEqual(guest.actual_kib(), guest.memory_kib)
        self.assertIn("because neither it nor the host lacks memory",
                      daemon.ctl("explain", "idle"))

    def test_a_short_host_gets_memory_from_who_has_most_to_spare_and_is_told_why(self):
        daemon = self._short_host()
        wait_for("the idle guest lends half its memory",
                 lambda: self.idle.actual_kib() < self.idle.memory_kib // 2, 30)
        self.assertGreater(self.idle.memory_kib - self.idle.actual_kib(),
                           2 * (self.full.memory_kib - self.full.actual_kib()))
        # What its programs use stays, and a fifth of it beside that.
        time.sleep(3)
        stats = self.full.dommemstat()
        self.assertGreater(stats["usable"], self.full.memory_kib // 10)
        self.assertIn("because", daemon.ctl("explain", "idle"))

    def test_a_guest_that_grows_gets_back_what_it_lent(self):
        daemon = self._short_host()
        wait_for("the idle guest lends half its memory",
                 lambda: self.idle.actual_kib() < self.idle.memory_kib // 2, 30)
        before_kib = self.idle.actual_kib()
        for step in range(STEPS):
            self.idle.check(f"dd if=/dev/zero of=/mnt/t/part{step} bs=1M count={STEP_MIB} 2>/dev/null")
            time.sleep(2)
        wait_for("it has what it grew by",
                 lambda: self.idle.actual_kib() >= before_kib + (STEPS - 3) * STEP_MIB * MIB_KIB, 10)
        # Its own driver had to help it to hardly anything of that.
        self.assertLess(int(daemon.ctl("get", "idle", "oom_freed_kb")), STEP_MIB * MIB_KIB // 2)


if __name__ == "__main__":
    unittest.main()
