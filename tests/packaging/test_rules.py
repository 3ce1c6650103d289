#!/usr/bin/env python3
"""Alert rules and dashboard: valid, tested, and only about series that ballastd has."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROMETHEUS = SOURCE / "deploy/prometheus"
RULES = PROMETHEUS / "ballast.rules.yml"
RULES_TEST = PROMETHEUS / "ballast.rules.test.yml"
DASHBOARD = SOURCE / "deploy/grafana/ballast.json"


def quoted(path: str, pattern: str) -> set[str]:
    return set(re.findall(f'"({pattern})"', (SOURCE / path).read_text()))


def known_series() -> set[str]:
    names = quoted("controller/http/metrics.cpp", "ballast_[a-z_]+")
    histogram = "ballast_tick_duration_seconds"
    return names | {histogram + suffix for suffix in ("_bucket", "_sum", "_count")}


def used_series(text: str) -> set[str]:
    return set(re.findall(r"\bballast_[a-z_]+", text))


def used_constraints(text: str) -> set[str]:
    values = re.findall(r'constraint=~?\\?"([a-z_|]+)\\?"', text)
    return {name for value in values for name in value.split("|")}


def expressions(dashboard: dict) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def promtool(*arguments) -> None:
    if shutil.which("promtool") is None:
        raise AssertionError("needs promtool, which is in Debian's package prometheus")
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True,
                          check=False, cwd=PROMETHEUS)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)


class Rules(unittest.TestCase):
    def test_promtool_accepts_them(self) -> None:
        promtool("check", "rules", RULES)

    def test_alerts_fire_as_their_tests_say(self) -> None:
        promtool("test", "rules", RULES_TEST)

    def test_every_alert_has_a_test_in_which_it_fires(self) -> None:
        alerts = set(re.findall(r"alert: (\w+)", RULES.read_text()))
        fires = set(re.findall(r"alertname: (\w+)\n +eval_time: .*\n +exp_alerts:\n",
                               RULES_TEST.read_text()))
        self.assertTrue(alerts)
        self.assertEqual(alerts, fires)

    def test_they_and_their_tests_name_only_series_that_exist(self) -> None:
        for file in (RULES, RULES_TEST):
            used = used_series(file.read_text())
            self.assertTrue(used)
            self.assertLessEqual(used, known_series())

    def test_they_name_only_constraints_that_exist(self) -> None:
        used = used_constraints(RULES.read_text())
        self.assertTrue(used)
        self.assertLessEqual(used, quoted("model/constraint.cpp", "[a-z_]+"))


class Dashboard(unittest.TestCase):
    def setUp(self) -> None:
        self.dashboard = json.loads(DASHBOARD.read_text())

    def test_it_names_only_series_that_exist(self) -> None:
        queries = expressions(self.dashboard)
        queries += [item.get("definition", "") for item in self.dashboard["templating"]["list"]]
        used = used_series(" ".join(queries))
        self.assertTrue(used)
        self.assertLessEqual(used, known_series())

    def test_it_shows_every_series_but_those_of_labels_alone(self) -> None:
        used = {re.sub("_bucket$", "", name)
                for name in used_series(" ".join(expressions(self.dashboard)))}
        exported = quoted("controller/http/metrics.cpp", "ballast_[a-z_]+")
        self.assertEqual(used, exported - {"ballast_build_info", "ballast_bus_info"})

    def test_prometheus_accepts_every_query(self) -> None:
        queries = expressions(self.dashboard)
        self.assertTrue(queries)
        rules = [{"record": f"q{i}",
                  "expr": query.replace("$__rate_interval", "5m").replace("$instance", ".*")
                  .replace("$domain", ".*")} for i, query in enumerate(queries)]
        self.assertNotIn("$", json.dumps(rules))
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "queries", "rules": rules}]}, file)  # JSON is YAML
            file.flush()
            promtool("check", "rules", file.name)

    def test_no_two_panels_share_an_id_or_a_place(self) -> None:
        panels = self.dashboard["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        cells = [(x, y) for panel in panels for place in [panel["gridPos"]]
                 for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])]
        self.assertEqual(len(set(cells)), len(cells))
        self.assertLessEqual(max(x for x, _ in cells), 23)


if __name__ == "__main__":
    unittest.main()
