#!/usr/bin/env python3
"""Gives check_names.py trees of its own to look at."""

import pathlib
import unittest

import lint_tree

CHECK = pathlib.Path(__file__).resolve().parent / "check_names.py"


def header(text: str, namespace: str = "ballast") -> str:
    return f"#pragma once\nnamespace {namespace} {{\n{text}\n}}  // namespace {namespace}\n"


def check(files: dict[str, str]) -> tuple[int, str]:
    return lint_tree.check(CHECK, files)


class CheckNames(unittest.TestCase):
    def test_one_name_in_two_headers_of_a_namespace_is_refused(self):
        status, printed = check({"sim/a.h": header("class Recorder {\n};"),
                                 "bus/b.h": header("struct Recorder final : Base {\n};")})
        self.assertEqual(status, 1)
        self.assertIn("ballast::Recorder is defined in bus/b.h:3 as well", printed)

    def test_other_namespaces_members_declarations_and_tests_are_not_meant(self):
        for other in (header("class Recorder {\n};", "ballast::probe"), header("class Recorder;"),
                      header("class Other {\n    struct Recorder {\n    };\n};")):
            self.assertEqual(check({"sim/a.h": header("class Recorder {\n};"), "bus/b.h": other}),
                             (0, ""), other)
        self.assertEqual(check({"sim/a.h": header("class Recorder {\n};"),
                                "tests/b.h": header("class Recorder {\n};")}), (0, ""))


if __name__ == "__main__":
    unittest.main()
