"""What a tick asks of libvirtd does not grow with the number of domains."""

import os
import pathlib
import re
import unittest

from daemon import Daemon
from lab import Lab, wait_for

COUNTS = (1, 10, 40)
MEMORY_MIB = 32
TICKS = 10


class ScaleTest(unittest.TestCase):
    # Balloon managers that ask each domain in turn fall behind on hosts with many.
    def test_calls_a_tick_are_the_same_for_one_domain_and_for_forty(self):
        lab = self.enterContext(Lab())
        calls, begun = {}, 0
        for count in COUNTS:
            for number in range(begun, count):
                lab.start_paused_guest(f"p{number}", memory_mib=MEMORY_MIB)
            begun = count
            calls[count] = self._calls_in_ticks(lab, count)
        print(f"calls in {TICKS} ticks, by domains: {calls} ... ", end="", flush=True)
        for count, seen in calls.items():
            # A tick is one call; a keepalive may come between.
            self.assertLessEqual(abs(seen - TICKS), 2, f"{count} domains")

    def _calls_in_ticks(self, lab, count: int) -> int:
        log = pathlib.Path(lab.folder / f"calls-{count}")
        environment = {**os.environ, "LIBVIRT_LOG_FILTERS": "1:rpc",
                       "LIBVIRT_LOG_OUTPUTS": f"1:file:{log}"}
        with Daemon(lab, environment=environment) as daemon:
            wait_for("all are seen", lambda: len(daemon.domains()[1]) == count, 20)
            for _ in range(3):
                daemon.next_tick()
            first, before = daemon.next_tick(), self._sent(log)
            wait_for("some ticks", lambda: daemon.tick() >= first + TICKS, 60, 0.02)
            return self._sent(log) - before

    @staticmethod
    def _sent(log: pathlib.Path) -> int:
        """Calls that a client has sent so far: messages of type 0."""
        return len(re.findall(r"RPC_CLIENT_MSG_TX_QUEUE: .*\btype=0\b", log.read_text()))


if __name__ == "__main__":
    unittest.main()
