#!/usr/bin/env python3
"""Gives check_openapi.py documents of its own to look at."""

import pathlib
import unittest

import lint_tree

CHECK = pathlib.Path(__file__).resolve().parent / "check_openapi.py"
DOCUMENT = """
openapi: 3.0.3
info: {title: A, version: "1"}
paths:
  /things/{id}:
    get:
      operationId: thing
      parameters:
        - {name: id, in: path, required: true, description: "Which one, by number.", schema: {type: string}}
      responses:
        "200": {$ref: "#/components/responses/Thing"}
components:
  responses:
    Thing: {description: It.}
"""


class CheckOpenapi(unittest.TestCase):
    def check(self, old: str = "", new: str = "") -> tuple[int, str]:
        self.assertIn(old, DOCUMENT)
        return lint_tree.check(CHECK, {"docs/openapi.yaml": DOCUMENT.replace(old, new, 1)})

    def test_a_valid_document_passes(self):
        self.assertEqual(self.check(), (0, ""))

    def test_each_fault_is_found(self):
        for old, new, wanted in (
                # YAML takes the comma for the end of the description.
                ('"Which one, by number."', "Which one, by number.", "by number."),
                ("operationId: thing", "operationId: thing\n      operationId: other", "twice"),
                ("responses/Thing", "responses/Other", "#/components/responses/Other leads nowhere"),
                ("    Thing:", "    Spare: {description: Spare.}\n    Thing:",
                 "components/responses/Spare is not used"),
                ("/things/{id}", "/things/{number}", "the path has the parameters ['number']"),
                ("      operationId: thing\n", "", "1 operations have the operationId None"),
                ("in: path", "in: heaven", "heaven"),
                ("paths:", "pathways:", "paths"),
                ("info: {", "info: [", "docs/openapi.yaml")):
            with self.subTest(new):
                status, printed = self.check(old, new)
                self.assertEqual(status, 1)
                self.assertIn(wanted, printed)


if __name__ == "__main__":
    unittest.main()
