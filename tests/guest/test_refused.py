"""What libvirt refuses, for good: a connection that may only read."""

import time
import unittest

from daemon import Daemon
from lab import Lab, wait_for

LOAN_KIB = 64 * 1024
WATCHED_S = 12


class RefusedTest(unittest.TestCase):
    def test_a_read_only_connection_binds_the_domain_and_is_named_once(self):
        with Lab() as lab:
            guest = lab.start_guest("g")
            uri = f"qemu+unix:///system?socket={lab.folder}/run/libvirt-sock-ro"
            with Daemon(lab, uris=uri) as daemon:
                daemon.wait_settled("g")
                daemon.ctl("set", "g", "simulate_loan_target_kb", LOAN_KIB)
                wait_for("it is bound",
                         lambda: daemon.domain("g")["constraint"] == "backend_error", 10)
                end = time.monotonic() + WATCHED_S
                while time.monotonic() < end:
                    told = daemon.domain("g")
                    self.assertEqual(told["constraint"], "backend_error")
                    self.assertIn("read only", told["detail"])
                    time.sleep(0.2)
                self.assertIn("read only", daemon.ctl("explain", "g"))
                self.assertEqual(daemon.log().count("was not set"), 1)
                self.assertEqual(guest.actual_kib(), guest.memory_kib)


if __name__ == "__main__":
    unittest.main()
