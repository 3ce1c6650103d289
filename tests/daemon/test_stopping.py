#!/usr/bin/env python3
"""What a stopping daemon tells its service manager and those who ask it."""

import pathlib
import signal
import tempfile
import time
import unittest

from daemon import Daemon


class Stopping(unittest.TestCase):
    def start(self, **options) -> Daemon:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        daemon = Daemon(pathlib.Path(folder.name), **options)
        self.addCleanup(daemon.close)
        daemon.notice("READY=1")
        return daemon

    def test_is_not_ready_but_healthy_while_it_gives_back_and_asks_for_patience(self):
        daemon = self.start()
        daemon.wait_until_lent(256 << 20)
        daemon.process.send_signal(signal.SIGTERM)
        notice = daemon.notice("STOPPING=1")
        self.assertRegex(notice, r"EXTEND_TIMEOUT_USEC=[1-9]\d{6,}\n")
        self.assertRegex(notice, r"STATUS=giving back what was lent: \d+ MiB to go")
        self.assertEqual(daemon.ask("/readyz"), (503, "stopping: giving back what was lent\n"))
        self.assertEqual(daemon.ask("/healthz"), (200, "ok: stopping\n"))
        daemon.notice("STOPPING=1")  # again, as it takes longer than a second
        code, errors = daemon.end()
        self.assertEqual(code, 0, errors)
        self.assertIn("everything lent is given back", errors)

    def test_says_what_guests_kept_when_its_patience_ends(self):
        daemon = self.start(events="[{at: 4s, do: driver_gone, domain: slow, lasts: 1h}]",
                            stop_timeout="1s")
        daemon.wait_until_lent(256 << 20)
        time.sleep(3)  # the driver goes at 4 s
        daemon.process.send_signal(signal.SIGTERM)
        code, errors = daemon.end()
        self.assertEqual(code, 1)
        self.assertIn("256 MiB were not taken back by their guests within 1s", errors)

    def test_serves_on_a_socket_that_the_service_manager_passes(self):
        daemon = self.start(activated=True)
        daemon.wait_until_lent(1)
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.end()[0], 0)


if __name__ == "__main__":
    unittest.main()
