"""The lab itself: real guests whose balloons move, with no ballastd anywhere."""

import pathlib
import unittest

from guest import MIB_KIB
from lab import Lab, wait_for


class LabTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        cls.guest = cls.lab.start_guest("g1")

    def test_commands_run_in_the_guest_and_tell_their_status(self):
        self.assertEqual(self.guest.run("echo one; echo two >&2; exit 3"), (3, "one\ntwo\n"))
        self.assertEqual(self.guest.run("true"), (0, ""))

    def test_the_balloon_driver_is_loaded(self):
        self.assertIn("virtio_balloon", self.guest.check("cat /proc/modules"))

    def test_statistics_arrive(self):
        def usable():
            return self.guest.dommemstat().get("usable", 0)

        self.assertLess(wait_for("statistics", usable, 10), self.guest.memory_kib)

    def test_setmem_takes_memory_from_the_guest_and_gives_it_back(self):
        # MemFree leaves out the CPUs' own lists of free pages, after boot some 1.5 MiB.
        free_before = self.guest.meminfo_kib("MemFree")
        self.guest.set_memory_kib(256 * MIB_KIB)
        wait_for("the balloon inflates", lambda: self.guest.actual_kib() == 256 * MIB_KIB, 10)
        taken = free_before - self.guest.meminfo_kib("MemFree")
        self.assertAlmostEqual(taken, 256 * MIB_KIB, delta=256 * MIB_KIB / 100)
        self.guest.set_memory_kib(self.guest.memory_kib)
        wait_for("the balloon deflates",
                 lambda: self.guest.actual_kib() == self.guest.memory_kib, 10)

    def test_a_guest_outlives_its_libvirtd(self):
        self.lab.stop_libvirtd()
        self.assertEqual(self.guest.check("echo here"), "here\n")
        self.lab.start_libvirtd()
        self.assertEqual(self.guest.actual_kib(), self.guest.memory_kib)


class CleanUpTest(unittest.TestCase):
    def test_nothing_is_left_behind_when_a_test_fails(self):
        with self.assertRaises(ZeroDivisionError), Lab() as lab:
            folder = lab.folder
            lab.start_guest("g1", memory_mib=256)
            self.assertTrue(self._processes_of(folder))
            _ = 1 / 0
        self.assertFalse(folder.exists())
        wait_for("processes end", lambda: not self._processes_of(folder), 5)

    @staticmethod
    def _processes_of(folder: pathlib.Path) -> list[str]:
        """Whose command line names the lab's folder: the guests and the lab's first process."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes()
            except OSError:
                continue  # it has ended
            if str(folder).encode() in command:
                found.append(command.decode(errors="replace"))
        return found


if __name__ == "__main__":
    unittest.main()
