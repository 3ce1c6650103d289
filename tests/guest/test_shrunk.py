"""Balloons that shrink without an OOM: Ballast's own requests, guests that sleep, kexec, and drivers
that are replaced."""

import pathlib
import shutil
import subprocess
import time
import unittest

from daemon import Daemon
from guest import MIB_KIB
from lab import Lab, wait_for

HERE = pathlib.Path(__file__).resolve().parent
LENT_KIB = 256 * MIB_KIB
MIB = 1 << 20
DRIVER = "/sys/bus/virtio/drivers/virtio_balloon"
UNBIND = f"cd {DRIVER}; ls -d virtio* >/tmp/balloon; cat /tmp/balloon >unbind"
BIND = f"cat /tmp/balloon >{DRIVER}/bind"


def kexec_disk(lab) -> tuple[pathlib.Path, str]:
    """A disk that holds the test's kexec and the kernel, and the script that starts it."""
    disk = lab.folder / "kexec.raw"
    subprocess.run(["cc", "-static", "-Os", "-s", "-o", disk, HERE / "kexec.c"], check=True)
    kernel, initramfs = lab.image.kernel.read_bytes(), lab.image.initramfs.read_bytes()
    with open(disk, "r+b") as file:
        file.truncate(MIB)
        file.seek(MIB)
        file.write(kernel + initramfs)
        file.truncate((MIB + len(kernel) + len(initramfs) + MIB) // 512 * 512)
    return disk, ("dd if=/dev/vda of=/tmp/kexec bs=1M count=1 2>/dev/null; chmod +x /tmp/kexec; "
                  f"/tmp/kexec /dev/vda {len(kernel)} {len(initramfs)} 'console=ttyS0 quiet'")


class ShrunkTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        disk, cls.kexec = kexec_disk(cls.lab)
        # One that may take memory back by itself, and one whose balloon others would set.
        cls.guests = []
        for name, autodeflate in (("oom", True), ("plain", False)):
            own = shutil.copy(disk, cls.lab.folder / f"{name}.raw")
            cls.guests.append(cls.lab.start_guest(
                name, memory_mib=768, autodeflate=autodeflate, sleeps=True, disk=own,
                disk_format="raw"))

    def setUp(self):
        self.daemon = self.enterContext(
            Daemon(self.lab, guests={"surge_below": 0}, simulate_loan_target_kb=LENT_KIB))
        self._wait_lent()

    def _lent(self, guest) -> int:
        return self.daemon.domain(guest.name)["loaned_bytes"] // 1024

    def _wait_lent(self, kib: int = LENT_KIB) -> None:
        for guest in self.guests:
            wait_for(f"{guest.name} lends {kib} KiB",
                     lambda g=guest: self._lent(g) == kib and
                     g.actual_kib() == g.memory_kib - kib, 60, 0.2)

    def _check_nothing_booked(self) -> None:
        """After what was lent is lent again: it was no OOM, nor set by an external program."""
        self._wait_lent()
        for _ in range(4):
            self.daemon.next_tick()
        self._wait_lent()
        for guest in self.guests:
            self.assertEqual(self.daemon.credit_kib(guest.name), 0, self.daemon.log())
        self.assertNotIn("ran out", self.daemon.log())
        self.assertNotIn("somebody else", self.daemon.log())

    def _all(self, script: str) -> None:
        for guest in self.guests:
            guest.check(script)

    def test_requests_that_are_replaced_while_the_guest_moves(self):
        for wanted in (0, LENT_KIB, 100 * MIB_KIB, 500 * MIB_KIB, 0, 200 * MIB_KIB, 0, LENT_KIB):
            for guest in self.guests:
                self.daemon.ctl("set", guest.name, "simulate_loan_target_kb", wanted)
            self.daemon.next_tick()
        self._check_nothing_booked()

    def test_guests_that_sleep(self):
        for guest in self.guests:
            guest.send("echo mem >/sys/power/state")
        for guest in self.guests:
            wait_for("it sleeps", lambda g=guest: "pmsuspended" in g.state(), 30, 0.2)
            wait_for("that is seen", lambda g=guest:
                     self.daemon.domain(g.name)["constraint"] == "paused", 5)
        for _ in range(4):
            self.daemon.next_tick()
        for guest in self.guests:
            self.lab.virsh("dompmwakeup", guest.name)
        self._check_nothing_booked()

    def test_kernels_that_are_started_by_kexec(self):
        for guest in self.guests:
            guest.send(self.kexec)
        for guest in self.guests:
            guest.wait_ready()
        self._check_nothing_booked()

    def test_drivers_that_are_replaced(self):
        self._all(f"{UNBIND}; {BIND}")
        self._check_nothing_booked()
        self._all(UNBIND)
        time.sleep(7)
        for guest in self.guests:
            self.assertEqual(self._lent(guest), 0)
            self.assertEqual(self.daemon.domain(guest.name)["constraint"], "stale_stats")
        self._all(BIND)
        self._check_nothing_booked()
        self._all("rmmod virtio_balloon && insmod /modules/virtio_balloon.ko")
        self._check_nothing_booked()


if __name__ == "__main__":
    unittest.main()
