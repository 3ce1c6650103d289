"""Loans of real guests: lent, bounded, moved together, given back."""

import shutil
import unittest

from daemon import Daemon, program
from guest import MIB_KIB
from lab import Lab, wait_for

ALONE = True  # see run
MIN_MEM_MB = 128
LOAN_KIB = 256 * MIB_KIB


class LoanTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        cls.g1, cls.g2 = cls.lab.start_guests(["g1", "g2"])

    def setUp(self):
        # What a daemon finds lent it leaves lent: each test starts from nothing.
        for guest in (self.g1, self.g2):
            guest.set_memory_kib(guest.memory_kib)
        for guest in (self.g1, self.g2):
            self._wait_actual(guest, guest.memory_kib)
        self.daemon = self.enterContext(Daemon(self.lab, min_mem_mb=MIN_MEM_MB))
        self.daemon.wait_settled("g1", "g2")

    def _lend(self, guest, kib: int) -> None:
        self.daemon.ctl("set", guest.name, "simulate_loan_target_kb", kib)

    @staticmethod
    def _wait_actual(guest, kib: int) -> None:
        wait_for(f"{guest.name} keeps {kib} KiB, not {guest.actual_kib()}",
                 lambda: guest.actual_kib() == kib, 20)

    def test_a_loan_is_lent_within_three_ticks_and_comes_out_of_the_guests_free_memory(self):
        free_before = self.g1.meminfo_kib("MemFree")
        tick_before = self.daemon.next_tick()
        self._lend(self.g1, LOAN_KIB)
        self._wait_actual(self.g1, self.g1.memory_kib - LOAN_KIB)
        ticks = self.daemon.tick() - tick_before
        taken = free_before - self.g1.meminfo_kib("MemFree")
        self.assertLessEqual(ticks, 3)
        self.assertAlmostEqual(taken, LOAN_KIB, delta=LOAN_KIB / 100)
        self.assertEqual(self.g2.actual_kib(), self.g2.memory_kib)

    def test_a_request_past_min_mem_stops_exactly_there(self):
        self._lend(self.g1, 1024 * MIB_KIB)
        self._wait_actual(self.g1, MIN_MEM_MB * MIB_KIB)
        self.daemon.next_tick()
        told = self.daemon.domain("g1")
        self.assertEqual(told["constraint"], "min_mem")
        self.assertEqual(told["memory_bytes"], MIN_MEM_MB * MIB_KIB * 1024)
        self.assertEqual(self.g1.actual_kib(), MIN_MEM_MB * MIB_KIB)

    def test_two_guests_are_moved_in_one_tick(self):
        before = self.daemon.next_tick()
        self._lend(self.g1, LOAN_KIB)
        self._lend(self.g2, LOAN_KIB)
        self.assertEqual(self.daemon.tick(), before, "setting both took longer than a tick")
        self.daemon.next_tick()
        tick, told = self.daemon.domains()
        self.assertEqual(tick, before + 1)
        for name in ("g1", "g2"):
            self.assertEqual(told[name]["decided_bytes"], LOAN_KIB * 1024)
            self.assertEqual(told[name]["outcome"], "accepted")
        for guest in (self.g1, self.g2):
            self._wait_actual(guest, guest.memory_kib - LOAN_KIB)

    def test_sigterm_gives_everything_back_before_the_daemon_exits(self):
        for guest in (self.g1, self.g2):
            self._lend(guest, LOAN_KIB)
        for guest in (self.g1, self.g2):
            self._wait_actual(guest, guest.memory_kib - LOAN_KIB)
        self.assertEqual(self.daemon.stop(), 0, self.daemon.log())
        self.assertEqual(self.g1.actual_kib(), self.g1.memory_kib)
        self.assertEqual(self.g2.actual_kib(), self.g2.memory_kib)

    def test_a_loan_outlives_libvirtd_and_is_taken_up_again(self):
        self._lend(self.g1, LOAN_KIB)
        self._wait_actual(self.g1, self.g1.memory_kib - LOAN_KIB)
        self.lab.stop_libvirtd()
        wait_for("the loss is seen", lambda: not self.daemon.status()["backend"]["up"], 10)
        self.lab.start_libvirtd()
        wait_for("the daemon is back", lambda: self.daemon.status()["backend"]["up"], 20)
        self.assertEqual(self.g1.actual_kib(), self.g1.memory_kib - LOAN_KIB)
        self._lend(self.g1, LOAN_KIB // 2)
        self._wait_actual(self.g1, self.g1.memory_kib - LOAN_KIB // 2)

    def test_a_new_libvirt_module_takes_over_and_no_balloon_moves(self):
        for guest in (self.g1, self.g2):
            self._lend(guest, LOAN_KIB)
        for guest in (self.g1, self.g2):
            self._wait_actual(guest, guest.memory_kib - LOAN_KIB)
        self.daemon.next_tick()
        before = {name: self.daemon.domain(name) for name in ("g1", "g2")}

        # A copy that nobody else can write, as the daemon wants it.
        module = self.daemon.folder / "libvirt.so"
        shutil.copyfile(program("libvirt.so"), module)
        self.daemon.ctl("backend", "load", "libvirt", module)
        self.assertIn("memfd:ballast-libvirt", self.daemon.maps())
        for _ in range(3):
            self.daemon.next_tick()
            for guest in (self.g1, self.g2):
                self.assertEqual(guest.actual_kib(), guest.memory_kib - LOAN_KIB)
        for name, was in before.items():
            now = self.daemon.domain(name)
            for figure in ("loaned_bytes", "loan_target_bytes", "oom_freed_bytes",
                           "inflated_total_bytes", "deflated_total_bytes"):
                self.assertEqual(now[figure], was[figure], f"{name}: {figure}")

        # It works: and so does the built-in one again, with nothing left of the module.
        self._lend(self.g1, LOAN_KIB // 2)
        self._wait_actual(self.g1, self.g1.memory_kib - LOAN_KIB // 2)
        self.daemon.ctl("backend", "load", "libvirt")
        self.assertNotIn("memfd:ballast", self.daemon.maps())
        self.daemon.next_tick()
        self.assertEqual(self.g1.actual_kib(), self.g1.memory_kib - LOAN_KIB // 2)
        self.assertEqual(self.g2.actual_kib(), self.g2.memory_kib - LOAN_KIB)

        # Unloaded, it leaves nothing lent.
        self.daemon.ctl("backend", "unload", "libvirt")
        for guest in (self.g1, self.g2):
            self.assertEqual(guest.actual_kib(), guest.memory_kib)


if __name__ == "__main__":
    unittest.main()
