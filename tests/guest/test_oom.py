"""A guest that runs out of memory while much of it is lent: credit, and the harm without it."""

import unittest

from daemon import Daemon, Refused
from guest import MIB_KIB
from lab import Lab, wait_for

KEPT_KIB = 128 * MIB_KIB
FILE_MIB = 200
PAGE_KIB = 4
# What the guest must take back at least to hold the file; the rest it had free.
SHORTAGE_KIB = (FILE_MIB - 128) * MIB_KIB
MOUNT = "mkdir -p /mnt/t && mount -t tmpfs -o size=300m tmpfs /mnt/t"
FILL = f"dd if=/dev/zero of=/mnt/t/file bs=1M count={FILE_MIB}"
EMPTY = "rm /mnt/t/file"
WATCHED_TICKS = 6
ROUNDS = 3
# QEMU tells of a balloon that goes on changing at most once a second.
TICKS_UNTIL_TOLD = 3
# A surge would help before memory runs out.
NO_SURGE = {"surge_below": 0}


def _stalls(vmstat: dict[str, int]) -> int:
    """How often the guest's programs had to wait for memory."""
    return sum(count for name, count in vmstat.items() if name.startswith("allocstall"))


class OomTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        cls.guest = cls.lab.start_guest("g1", autodeflate=True)

    def setUp(self):
        self.guest.set_memory_kib(self.guest.memory_kib)
        self._wait_actual(self.guest.memory_kib)
        self.guest.check(MOUNT)
        self.addCleanup(self.guest.check, "umount /mnt/t")

    def _wait_actual(self, kib: int) -> None:
        wait_for(f"the guest keeps {kib} KiB", lambda: self.guest.actual_kib() == kib, 20)

    def _inflate(self, daemon: Daemon) -> None:
        daemon.wait_settled("g1")
        daemon.ctl("set", "g1", "simulate_loan_target_kb", self.guest.memory_kib - KEPT_KIB)
        self._wait_actual(KEPT_KIB)
        # The tick that sees it done; from now on a smaller loan is the guest's own doing.
        wait_for("the daemon sees it",
                 lambda: daemon.domain("g1")["memory_bytes"] == KEPT_KIB * 1024, 5)

    def _wait_taken_back(self) -> None:
        """The guest has done so by now, but QEMU may not have told."""
        wait_for("the guest took back what its file needs",
                 lambda: self.guest.actual_kib() >= KEPT_KIB + SHORTAGE_KIB, 5)

    def _wait_booked(self, daemon: Daemon) -> int:
        """Until the credit is all that the guest took back, which it goes on doing in small steps
        while its memory is full. In KiB."""
        def booked() -> int:
            credit = daemon.credit_kib("g1")
            return credit if credit == self.guest.actual_kib() - KEPT_KIB else 0

        return wait_for("the credit is what the guest took back", booked, 20, 0.5)

    def test_what_the_guest_took_back_is_credited_and_not_asked_for_again(self):
        with Daemon(self.lab, guests=NO_SURGE) as daemon:
            self._inflate(daemon)
            before = self.guest.vmstat()
            self.guest.check(FILL)
            self._wait_taken_back()
            credit = self._wait_booked(daemon)
            self.assertGreaterEqual(credit, SHORTAGE_KIB)
            first_stalls = _stalls(self.guest.vmstat()) - _stalls(before)
            self.assertEqual(self.guest.vmstat()["oom_kill"], before["oom_kill"])

            # While its memory is full, and as well once it is free again.
            self._watch_not_inflated(daemon)
            self.guest.check(EMPTY)
            self._watch_not_inflated(daemon)
            self.assertEqual(daemon.domain("g1")["constraint"], "oom_credit")
            # It can use the memory again without running out of it: what it took was just enough,
            # so that a few pages may be missing.
            credit = self._wait_booked(daemon)
            stalls = _stalls(self.guest.vmstat())
            self.guest.check(f"{FILL} && {EMPTY}")
            self.assertLess(_stalls(self.guest.vmstat()) - stalls, first_stalls / 10)
            for _ in range(TICKS_UNTIL_TOLD):
                daemon.next_tick()
            credit_now = self._wait_booked(daemon)
            self.assertLess(credit_now - credit, SHORTAGE_KIB / 10)
            credit = credit_now

            for value in ("1", str(credit), "nonsense"):
                with self.assertRaises(Refused) as refused:
                    daemon.ctl("set", "g1", "oom_freed_kb", value)
                self.assertEqual(refused.exception.status, 4)
                self.assertRegex(refused.exception.message, "EBADMSG|Bad message")
            self.assertEqual(daemon.credit_kib("g1"), credit)

            daemon.ctl("set", "g1", "oom_freed_kb", 0)
            self.assertEqual(daemon.credit_kib("g1"), 0)
            self._wait_actual(KEPT_KIB)
            self.assertEqual(daemon.stop(), 0, daemon.log())
        self.assertEqual(self.guest.actual_kib(), self.guest.memory_kib)

    def _watch_not_inflated(self, daemon: Daemon) -> None:
        actual = self.guest.actual_kib()
        inflated = self.guest.vmstat()["balloon_inflate"]
        for _ in range(WATCHED_TICKS):
            daemon.next_tick()
            self.assertGreaterEqual(self.guest.actual_kib(), actual)
        self.assertEqual(self.guest.vmstat()["balloon_inflate"], inflated)

    def test_without_credit_daemon_and_guest_fight_over_the_same_memory(self):
        with Daemon(self.lab, guests=NO_SURGE,
                    safeguards={"oom_credit": False}) as daemon:
            self._inflate(daemon)
            before = self.guest.vmstat()
            for _ in range(ROUNDS):
                self.guest.check(FILL)
                self._wait_taken_back()
                # The moment the guest has memory free it is taken, so that the next use of the very
                # same memory runs out of it once more.
                self.guest.check(EMPTY)
                self._wait_actual(KEPT_KIB)
            after = self.guest.vmstat()
            taken_again = (after["balloon_inflate"] - before["balloon_inflate"]) * PAGE_KIB
            self.assertGreaterEqual(taken_again, ROUNDS * SHORTAGE_KIB)
            self.assertGreater(_stalls(after), _stalls(before))
            self.assertEqual(daemon.stop(), 0, daemon.log())


if __name__ == "__main__":
    unittest.main()
