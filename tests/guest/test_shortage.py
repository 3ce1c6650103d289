"""Guests that run short, and guests that cannot give what they are asked for."""

import time
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

ALONE = True  # see run
LOAN_KIB = 320 * MIB_KIB
NEEDED_MIB = 300
# As slow as a program that works on what it reads: 8 MiB a second.
FILL_SLOWLY = (f"for i in $(seq {NEEDED_MIB}); do "
               "dd if=/dev/zero bs=1M count=1 2>/dev/null >>/mnt/t/file || exit 1; usleep 125000; done")
MOUNT = f"mkdir -p /mnt/t && mount -t tmpfs -o size={NEEDED_MIB + 50}m tmpfs /mnt/t"
FLOOR_KIB = 40 * MIB_KIB
SURGE = {"surge_below": f"{FLOOR_KIB}KiB", "surge_below_percent": 50}
NO_SURGE = {"surge_below": 0}


class ShortageTest(unittest.TestCase):
    def setUp(self):
        self.lab = self.enterContext(Lab())

    def _lent(self, guest, guests: dict) -> Daemon:
        daemon = self.enterContext(Daemon(self.lab, guests=guests, min_mem_mb=64))
        daemon.wait_settled(guest.name)
        daemon.ctl("set", guest.name, "simulate_loan_target_kb", LOAN_KIB)
        wait_for("the loan", lambda: guest.actual_kib() == guest.memory_kib - LOAN_KIB, 20)
        return daemon

    # Users of other balloon managers lose guests to the OOM killer while memory is lent.
    def test_a_guest_that_runs_short_has_its_memory_back_before_anything_is_killed(self):
        guest = self.lab.start_guest("short", autodeflate=False)
        daemon = self._lent(guest, SURGE)
        guest.check(MOUNT)
        # In the background of the guest: the channel is one script at a time.
        guest.check(f"({FILL_SLOWLY}; echo $? >/tmp/filled) </dev/null >/dev/null 2>&1 &")
        short_at = back_at = None
        deadline = time.monotonic() + 90
        while back_at is None and time.monotonic() < deadline:
            tick, domains = daemon.domains()
            told = domains["short"]
            if short_at is None and told["usable_bytes"] < FLOOR_KIB * 1024:
                short_at = tick
                # Decided in the very tick that saw it, and all of it in one step.
                self.assertEqual(told["constraint"], "surge")
                self.assertEqual(told["decided_bytes"], 0)
            if told["memory_bytes"] == told["total_bytes"]:
                back_at = tick
            time.sleep(0.02)
        self.assertIsNotNone(short_at, "it never ran short")
        self.assertIsNotNone(back_at, "it never had its memory back")
        # The goal is one tick for the guest to take it, as the next one observes; a machine that
        # emulates may take one more.
        self.assertLessEqual(back_at - short_at, 2)
        wait_for("the program is through", lambda: guest.run("cat /tmp/filled")[1].strip() == "0",
                 90, 0.5)
        self.assertEqual(guest.vmstat()["oom_kill"], 0)
        # It is left alone for a minute.
        self.assertEqual(daemon.domain("short")["constraint"], "surge")
        self.assertEqual(guest.actual_kib(), guest.memory_kib)

    def test_without_the_surge_the_guest_kills_its_programs(self):
        guest = self.lab.start_guest("harmed", autodeflate=False)
        self._lent(guest, NO_SURGE)
        guest.check(MOUNT)
        guest.check(f"({FILL_SLOWLY}) </dev/null >/dev/null 2>&1 &")
        # Nothing can be run in it any more: its console tells.
        wait_for("something is killed", lambda: "Out of memory: Killed" in guest.console(), 120, 1)

    # Drivers that are asked for what there is not try it five times a second, for good.
    def test_a_guest_that_cannot_give_is_stuck_and_no_more_is_asked_of_it(self):
        guest = self.lab.start_guest("full", autodeflate=False)
        guest.check(f"{MOUNT} && dd if=/dev/zero of=/mnt/t/file bs=1M count=220 2>/dev/null")
        # Squeezed dry it could start nothing: what frees its memory waits there already.
        guest.check("(sleep 30; : >/mnt/t/file) </dev/null >/dev/null 2>&1 &")
        daemon = self.enterContext(
            Daemon(self.lab, guests={**NO_SURGE, "stuck_after": "4s"}, min_mem_mb=64))
        daemon.wait_settled("full")
        daemon.ctl("set", "full", "simulate_loan_target_kb", LOAN_KIB)
        wait_for("it is stuck", lambda: daemon.domain("full")["constraint"] == "stuck", 60, 0.2)
        daemon.next_tick()
        told = daemon.domain("full")
        self.assertGreater(told["loaned_bytes"], 0)
        self.assertLess(told["loaned_bytes"], LOAN_KIB * 1024)
        self.assertEqual(told["decided_bytes"], told["loaned_bytes"])
        # With memory to give it is asked again, and gives.
        wait_for("it lends all", lambda: guest.actual_kib() == guest.memory_kib - LOAN_KIB, 90)
        wait_for("it is forgiven", lambda: daemon.domain("full")["constraint"] == "none", 5)


if __name__ == "__main__":
    unittest.main()
