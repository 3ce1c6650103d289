"""One daemon for two hosts: a libvirtd that hangs or dies holds up its own guests alone."""

import signal
import time
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

ALONE = True  # see run
LOAN_KIB = 128 * MIB_KIB
DELAY_S = 1
DEADLINE_S = 2.5  # for a connection that does not answer


class SeveralTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.here, cls.there = cls.enterClassContext(Lab()), cls.enterClassContext(Lab())
        cls.near, cls.far = cls.here.start_guest("near"), cls.there.start_guest("far")

    def setUp(self):
        self.daemon = self.enterContext(
            Daemon(self.here, min_mem_mb=64, uris=[self.here.uri, self.there.uri]))
        self.daemon.wait_settled("near", "far")

    def _lend(self, guest, kib: int) -> None:
        self.daemon.ctl("set", guest.name, "simulate_loan_target_kb", kib)

    def _wait_lent(self, guest, kib: int, timeout_s: float = 15) -> None:
        wait_for(f"{guest.name} lends {kib} KiB",
                 lambda: guest.actual_kib() == guest.memory_kib - kib, timeout_s)

    def _unanswered(self) -> bool:
        return "unanswered" in self.daemon.domain("far")["flags"]

    def _serves_near(self) -> None:
        """Without the other host: asked for a loan, and for it back."""
        for kib, within_s in ((LOAN_KIB, 8), (0, 4)):
            began = time.monotonic()
            self._lend(self.near, kib)
            self._wait_lent(self.near, kib)
            self.assertLess(time.monotonic() - began, within_s)

    def _expect_held(self) -> None:
        told = self.daemon.domain("far")
        self.assertIn("unanswered", told["flags"])
        self.assertEqual(told["constraint"], "backend_error")
        self.assertEqual(told["loaned_bytes"], LOAN_KIB * 1024)

    def _expect_nothing_lost(self) -> None:
        """The other host is back: its guest lends what it lent, and goes on from there."""
        wait_for("the other host is back", lambda: not self._unanswered(), 60)
        for _ in range(5):
            self.daemon.next_tick()
            told = self.daemon.domain("far")
            self.assertEqual(told["loaned_bytes"], LOAN_KIB * 1024)
            self.assertEqual(told["decided_bytes"], told["loaned_bytes"])
            self.assertEqual(self.far.actual_kib(), self.far.memory_kib - LOAN_KIB)
        self.assertEqual(self.daemon.credit_kib("far"), 0)
        self._lend(self.far, LOAN_KIB // 2)
        self._wait_lent(self.far, LOAN_KIB // 2)
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self._wait_lent(self.far, 0)

    def test_a_libvirtd_that_hangs_holds_up_its_own_guests_alone(self):
        self._lend(self.far, LOAN_KIB)
        self._wait_lent(self.far, LOAN_KIB)
        self.daemon.next_tick()
        self.there.signal_libvirtd(signal.SIGSTOP)
        try:
            # It is found out once; then all is as ever, also when the connection is given up.
            self.assertLess(self.daemon.longest_tick_s(6), DELAY_S + DEADLINE_S + 1)
            self._expect_held()
            self.assertLess(self.daemon.longest_tick_s(35), 3 * DELAY_S)
            self._serves_near()
            self._expect_held()
        finally:
            self.there.signal_libvirtd(signal.SIGCONT)
        self._expect_nothing_lost()
        self.assertIn(f"lost the hypervisor: {self.there.uri}", self.daemon.log())
        self.assertIn(f"the hypervisor is back: {self.there.uri}", self.daemon.log())

    def test_a_libvirtd_that_dies_and_comes_back(self):
        self._lend(self.far, LOAN_KIB)
        self._wait_lent(self.far, LOAN_KIB)
        self.daemon.next_tick()
        self.there.kill_libvirtd()
        try:
            wait_for("its loss is noticed", self._unanswered, 10)
            self._expect_held()
            self.assertLess(self.daemon.longest_tick_s(6), 3 * DELAY_S)
            self._serves_near()
            self._expect_held()
        finally:
            self.there.start_libvirtd()
        self._expect_nothing_lost()

    def test_a_daemon_that_starts_while_one_host_is_down_goes_on_with_its_guests_later(self):
        self._lend(self.far, LOAN_KIB)
        self._wait_lent(self.far, LOAN_KIB)
        self.daemon.next_tick()
        self.daemon.kill()
        self.there.kill_libvirtd()
        try:
            self.daemon.start()
            self.assertEqual(set(self.daemon.domains()[1]), {"near"})
            self._serves_near()
        finally:
            self.there.start_libvirtd()
        self.daemon.wait_settled("far")
        # What it lends is known to be lent, and not its own.
        self.assertEqual(self.daemon.domain("far")["loaned_bytes"], LOAN_KIB * 1024)
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self._wait_lent(self.far, 0)

    def test_a_daemon_stops_while_a_libvirtd_hangs(self):
        self._lend(self.near, LOAN_KIB)
        self._wait_lent(self.near, LOAN_KIB)
        self.there.signal_libvirtd(signal.SIGSTOP)
        try:
            wait_for("it is found out", self._unanswered, 10)
            began = time.monotonic()
            self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
            self.assertLess(time.monotonic() - began, 20, self.daemon.log())
        finally:
            self.there.signal_libvirtd(signal.SIGCONT)
        self._wait_lent(self.near, 0)


class MigrationTest(unittest.TestCase):
    def setUp(self):
        self.source, self.target = self.enterContext(Lab()), self.enterContext(Lab())
        self.guest = self.source.start_guest("g1")
        self.daemon = self.enterContext(Daemon(
            self.source, guests={"surge_below": "0"}, uris=[self.source.uri, self.target.uri]))
        self.daemon.wait_settled("g1")

    def _actual_kib(self) -> int:
        return int(self.target.virsh("domstats", "--balloon", "--nowait", "g1")
                   .split("balloon.current=")[1].split()[0])

    def test_a_guest_that_moves_between_the_hosts_stays_the_same_domain(self):
        self.daemon.ctl("set", "g1", "simulate_loan_target_kb", LOAN_KIB)
        wait_for("the guest lends",
                 lambda: self.guest.actual_kib() == self.guest.memory_kib - LOAN_KIB, 30)
        self.daemon.next_tick()
        self.source.migrate("g1", self.target)
        wait_for("it is held no more",
                 lambda: self.daemon.domain("g1")["constraint"] == "none", 30)
        for _ in range(5):
            self.daemon.next_tick()
            domains = self.daemon.domains()[1]
            self.assertEqual(set(domains), {"g1"})
            self.assertEqual(domains["g1"]["loaned_bytes"], LOAN_KIB * 1024)
        self.assertEqual(self._actual_kib(), self.guest.memory_kib - LOAN_KIB)
        # What was set at run time still holds: it is no new domain.
        self.assertEqual(int(self.daemon.ctl("get", "g1", "simulate_loan_target_kb")), LOAN_KIB)
        self.daemon.ctl("set", "g1", "simulate_loan_target_kb", LOAN_KIB // 2)
        wait_for("it gives back there", lambda: self._actual_kib() ==
                 self.guest.memory_kib - LOAN_KIB // 2, 15)


if __name__ == "__main__":
    unittest.main()
