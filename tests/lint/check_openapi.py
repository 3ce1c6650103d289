#!/usr/bin/env python3
"""docs/openapi.yaml is a valid OpenAPI 3.0 document.

usage: tests/lint/check_openapi.py [ROOT]

Holds the document to the schema of the OpenAPI Initiative, and to what that schema cannot say: no
key occurs twice, each reference leads somewhere, each part is used, operations have names of their
own, and the parameters of a path are those between its braces. Prints one line for each problem in
ROOT (this repository) and exits 1 if there is one.
"""

import collections
import json
import pathlib
import re
import sys

import jsonschema
import yaml

HERE = pathlib.Path(__file__).resolve().parent
SCHEMA = HERE.parent / "data/openapi/oas-3.0.json"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}


class Loader(yaml.SafeLoader):
    """Refuses a key that occurs twice."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{name}' occurs twice", key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


def place(parts) -> str:
    return "/".join(str(part) for part in parts)


def references(node):
    """Each $ref below `node`."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def resolve(document, reference: str):
    """What a reference names; None if it leads nowhere."""
    node = document
    if not reference.startswith("#/"):
        return None
    for part in reference[2:].split("/"):
        node = node.get(part) if isinstance(node, dict) else None
    return node


def schema_problems(document):
    validator = jsonschema.Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for error in validator.iter_errors(document):
        # The alternative that came nearest says what is wrong.
        while error.context:
            error = max(error.context, key=lambda inner: (
                len(inner.absolute_path), "$ref" not in str(inner.validator_value)))
        yield f"{place(error.absolute_path)}: {error.message}"


def reference_problems(document):
    used = set(references(document))
    for reference in sorted(used):
        if resolve(document, reference) is None:
            yield f"{reference} leads nowhere"
    for kind, parts in document.get("components", {}).items():
        for name in parts:
            if f"#/components/{kind}/{name}" not in used:
                yield f"components/{kind}/{name} is not used"


def operation_problems(document):
    names = collections.Counter()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method not in METHODS:
                continue
            names[operation.get("operationId")] += 1
            parameters = [resolve(document, one["$ref"]) if "$ref" in one else one
                          for one in [*methods.get("parameters", []),
                                      *operation.get("parameters", [])]]
            declared = {one["name"] for one in parameters if one and one.get("in") == "path"}
            expected = set(re.findall(r"\{(\w+)\}", path))
            if declared != expected:
                yield (f"{method} {path}: the path has the parameters {sorted(expected)}, declared "
                       f"are {sorted(declared)}")
    for name, count in names.items():
        if name is None or count > 1:
            yield f"{count} operations have the operationId {name}"


def problems(text: str):
    try:
        document = yaml.load(text, Loader)
    except yaml.YAMLError as error:
        yield str(error)
        return
    found = list(schema_problems(document))
    yield from found
    if not found:
        yield from reference_problems(document)
        yield from operation_problems(document)


def main() -> int:
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent.parent
    found = list(problems((root / "docs/openapi.yaml").read_text(encoding="utf-8")))
    for problem in found:
        print(f"docs/openapi.yaml: {problem}")
    print(f"{len(found)} problems", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
