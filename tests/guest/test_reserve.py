"""Room for a domain that is to start: reserved, really there, and given back."""

import os
import pathlib
import subprocess
import unittest

from daemon import Daemon, Refused, program
from guest import MIB_KIB
from lab import Lab, host_available_kib, host_total_kib, wait_for

ALONE = True  # see run
HOOK = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "libvirt-hook" / "ballast"


class ReserveTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        cls.idle, cls.full = cls.lab.start_guests(["idle", "full"])
        cls.full.check("mkdir -p /mnt/t && mount -t tmpfs -o size=350m tmpfs /mnt/t && "
                       "dd if=/dev/zero of=/mnt/t/file bs=1M count=300 2>/dev/null")
        # The host holds what a guest has once touched; only that can be had from it.
        cls.idle.check("mkdir -p /mnt/t && mount -t tmpfs -o size=400m tmpfs /mnt/t && "
                       "dd if=/dev/zero of=/mnt/t/file bs=1M count=380 2>/dev/null && "
                       "rm /mnt/t/file")

    def setUp(self):
        for guest in (self.idle, self.full):
            guest.set_memory_kib(guest.memory_kib)
            wait_for("all its memory", lambda guest=guest: guest.actual_kib() == guest.memory_kib, 20)
        self.daemon = self.enterContext(
            Daemon(self.lab, guests={"surge_below": "32MiB"}, host={"reserve": 0}, min_mem_mb=64))
        self.daemon.wait_settled("idle", "full")

    def test_guests_that_can_spare_it_lend_for_a_reservation_and_have_it_back(self):
        wanted_kib = host_available_kib() + 100 * MIB_KIB
        self.daemon.ctl("reserve", f"{wanted_kib}KiB", "--no-wait")
        wait_for("the idle guest lends",
                 lambda: self.idle.actual_kib() < self.idle.memory_kib - 50 * MIB_KIB, 20)
        self.assertGreater(self.idle.memory_kib - self.idle.actual_kib(),
                           self.full.memory_kib - self.full.actual_kib())
        told = self.daemon.ctl("reserve", "--list")
        self.daemon.ctl("reserve", "--cancel", told.split(":")[0])
        for guest in (self.idle, self.full):
            wait_for("it has its memory back",
                     lambda guest=guest: guest.actual_kib() == guest.memory_kib, 20)

    def test_a_reservation_that_cannot_be_had_fails_in_time_and_leaves_nothing(self):
        with self.assertRaises(Refused) as refused:
            self.daemon.ctl("reserve", f"{host_total_kib() - 64 * MIB_KIB}KiB", "--timeout", "3s")
        self.assertIn("not free within --timeout 3s", refused.exception.message)
        self.assertEqual(self.daemon.ctl("reserve", "--list"), "")
        wait_for("it has its memory back",
                 lambda: self.idle.actual_kib() == self.idle.memory_kib, 20)

    def _hook(self, *arguments, **settings) -> subprocess.CompletedProcess:
        xml = self.lab.virsh("dumpxml", "idle")
        environment = {**os.environ, "PATH": f"{program('ballastctl').parent}:{os.environ['PATH']}",
                       **settings}
        return subprocess.run([HOOK, *arguments], input=xml, text=True, env=environment,
                              capture_output=True, timeout=60, check=False)

    def test_the_hook_reserves_what_a_domain_is_about_to_use(self):
        api = str(self.daemon.folder / "api.sock")
        done = self._hook("new", "prepare", "begin", "-", BALLAST_HOOK_API=api)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("512 MiB for new, ready", self.daemon.ctl("reserve", "--list"))
        for operation in (("new", "started", "begin", "-"), ("new", "release", "end", "-")):
            self.assertEqual(self._hook(*operation, BALLAST_HOOK_API=api).returncode, 0)
        # A domain that runs: what it holds is not held twice.
        self.daemon.ctl("reserve", "1MiB", "--domain", "idle", "--no-wait")
        wait_for("it ends", lambda: "for idle" not in self.daemon.ctl("reserve", "--list"), 5)

    def test_the_hook_stops_no_domain_where_no_daemon_runs(self):
        done = self._hook("new", "prepare", "begin", "-", BALLAST_HOOK_API="/nonexistent/api.sock")
        self.assertEqual(done.returncode, 0, done.stderr)

    # While a hook of libvirt runs, nobody is told of the domains: it must not wait for that.
    def test_installed_in_libvirtd_the_hook_reserves_and_holds_nobody_up(self):
        hooks = self.lab.folder / "etc" / "hooks" / "qemu.d"
        hooks.mkdir(parents=True, exist_ok=True)
        wrapper = hooks / "ballast"
        wrapper.write_text(
            "#!/bin/sh\n"
            f"export PATH='{program('ballastctl').parent}':\"$PATH\"\n"
            f"export BALLAST_HOOK_API='{self.daemon.folder}/api.sock'\n"
            f"exec '{HOOK}' \"$@\"\n")
        wrapper.chmod(0o755)
        self.addCleanup(wrapper.unlink)
        # It looks for hooks when it starts.
        self.lab.stop_libvirtd()
        self.lab.start_libvirtd()
        wait_for("the daemon is back", lambda: self.daemon.status()["backend"]["up"], 20)
        failures = self.daemon.status()["tick"]["observe_failures"]
        new = self.lab.start_guest("new", memory_mib=256)
        self.assertIn("256 MiB for new, ready", self.daemon.ctl("reserve", "--list"))
        self.assertEqual(self.daemon.status()["tick"]["observe_failures"], failures)
        new.destroy()
        wait_for("it ends with its domain",
                 lambda: "for new" not in self.daemon.ctl("reserve", "--list"), 10)


if __name__ == "__main__":
    unittest.main()
