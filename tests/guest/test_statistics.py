"""Statistics that come too rarely, or that another program switched off."""

import re
import unittest

from daemon import Daemon
from lab import Lab, wait_for

LOAN_KIB = 64 * 1024


class StatisticsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab())
        cls.rare = cls.lab.start_guest("rare", stats_period_s=60)
        cls.daemon = cls.enterClassContext(Daemon(cls.lab))
        cls.daemon.wait_settled("rare")
        cls.daemon.ctl("set", "rare", "simulate_loan_target_kb", LOAN_KIB)

    def _period_s(self) -> int:
        found = re.search(r"<stats period='(\d+)'/>", self.lab.virsh("dumpxml", "rare"))
        return int(found.group(1)) if found else 0

    def _updated(self) -> int:
        told = self.lab.virsh("domstats", "--balloon", "rare")
        return int(re.search(r"last-update=(\d+)", told).group(1))

    def _comes_each_second(self) -> None:
        before = self._updated()
        wait_for("statistics come", lambda: self._updated() > before + 1, 12, 0.2)
        wait_for("they are fresh", lambda: self.daemon.domain("rare")["stats_age_seconds"] < 3, 5)

    def test_a_period_of_a_minute_is_shortened(self):
        wait_for("the period", lambda: self._period_s() == 1, 10, 0.2)
        self._comes_each_second()
        wait_for("it lends", lambda: self.daemon.domain("rare")["loaned_bytes"] == LOAN_KIB * 1024,
                 20)

    def test_a_period_that_another_program_sets_does_not_last(self):
        for period in ("60", "0"):
            self.lab.virsh("dommemstat", "rare", "--period", period, "--live")
            wait_for("the period", lambda: self._period_s() == 1, 20, 0.2)
            self._comes_each_second()

    def test_nor_does_one_that_is_set_in_qemu_itself(self):
        self.lab.virsh("qemu-monitor-command", "rare", "--hmp",
                       "qom-set /machine/peripheral/balloon0 guest-stats-polling-interval 0")
        self._comes_each_second()


if __name__ == "__main__":
    unittest.main()
