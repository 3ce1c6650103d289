#!/usr/bin/env python3
"""Gives check_docs.py documents of its own to look at."""

import pathlib
import unittest

import lint_tree

CHECK = pathlib.Path(__file__).resolve().parent / "check_docs.py"
SOURCES = {"controller/gate.cpp": "GateAnswer gate(int max_step) {}\n",
           "controller/tick.cpp": "void Controller::tick() {}\n",
           "tests/unit/gate_test.cpp": 'TEST_CASE("a paused domain "\n          "moves") {}\n'}


class CheckDocs(unittest.TestCase):
    def check(self, text: str) -> tuple[int, str]:
        return lint_tree.check(CHECK, {**SOURCES, "docs/a.md": text})

    def test_what_exists_may_be_quoted(self):
        for text in ("`controller/gate.cpp`, `gate.cpp`, `controller/`, `controller/gate`",
                     "`GateAnswer` and `max_step` in `controller/gate.cpp`",
                     "`Controller::tick`, `tick()`, `gate_test`",
                     '`gate_test`: "a paused domain moves"',
                     "`plain`, `some words`, `/etc/ballast/other.yaml`, `--an-option`"):
            self.assertEqual(self.check(text), (0, ""), text)

    def test_what_does_not_exist_is_found(self):
        for text, wanted in (
                ("`controller/gates.cpp`", "docs/a.md:1: no file controller/gates.cpp"),
                ("\n`gates.cpp`", "docs/a.md:2: no file gates.cpp"),
                ("`controller/request_policy`", "no file or folder controller/request_policy"),
                ("`Controller::tock`", "Controller::tock occurs in no source"),
                ("`min_step`", "min_step occurs in no source"),
                ("`GateAnswer` in `controller/tick.cpp`", "GateAnswer is not in controller/tick.cpp"),
                ('`gate_test`: "a crashed domain moves"', "has no test 'a crashed domain moves'"),
                ("`gates_test`", "gates_test occurs in no source")):
            with self.subTest(text):
                status, printed = self.check(text)
                self.assertEqual(status, 1)
                self.assertIn(wanted, printed)


if __name__ == "__main__":
    unittest.main()
