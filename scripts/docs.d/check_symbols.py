"""Checks the public symbols of the libraries, from their symbol graphs.

python3 scripts/docs.d/check_symbols.py FOLDER     FOLDER as `swift package dump-symbol-graph` writes it

Refuses a declaration that shows a type which `import DisEval` or `import Reporting` does not name, a symbol
without a summary, and a symbol of a product that is in no topic of its documentation.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCTS = ["DisEval", "GenerativeMetrics", "Reporting"]


def exported(module):
    """The modules that a module exports, and itself."""
    file = ROOT / "Sources" / module / "Exports.swift"
    text = file.read_text() if file.exists() else ""
    return {module, *re.findall(r"^@_exported import (\w+)", text, re.M)}


def read(folder, module):
    """The symbols of a module, and those that it adds to types of other modules."""
    for path in sorted(folder.glob(f"{module}.symbols.json")) + sorted(folder.glob(f"{module}@*.symbols.json")):
        for symbol in json.loads(path.read_text())["symbols"]:
            if "::SYNTHESIZED::" not in symbol["identifier"]["precise"]:
                yield symbol


def module_of(identifier):
    """The module of a mangled name, such as `s:7Results16EvaluationResultV`."""
    match = re.match(r"s:(\d+)", identifier)
    if not match:
        return None
    start = match.end()
    return identifier[start : start + int(match.group(1))]


def name(symbol):
    return ".".join(symbol["pathComponents"])


def curated(module):
    catalog = ROOT / "Sources" / module / "Documentation.docc"
    links = set()
    for page in catalog.glob("*.md"):
        links |= set(re.findall(r"^- ``([^`]+)``", page.read_text(), re.M))
    return {re.sub(r"-[(\w].*$", "", link) for link in links}


def main():
    folder = Path(sys.argv[1])
    own = {path.name for path in (ROOT / "Sources").iterdir()}
    problems = []
    for product in PRODUCTS:
        visible = exported(product)
        symbols = {module: list(read(folder, module)) for module in sorted(visible)}
        known = {symbol["identifier"]["precise"] for part in symbols.values() for symbol in part}
        for module, part in symbols.items():
            for symbol in part:
                for fragment in symbol.get("declarationFragments", []):
                    identifier = fragment.get("preciseIdentifier", "")
                    if module_of(identifier) in own and identifier not in known:
                        problems.append(f"{module}: {name(symbol)} shows {fragment['spelling']}, "
                                        f"which 'import {product}' does not name")
                if "docComment" not in symbol:
                    problems.append(f"{module}: {name(symbol)} has no summary")
        topics = curated(product)
        for symbol in symbols[product]:
            if len(symbol["pathComponents"]) == 1 and name(symbol) not in topics:
                problems.append(f"{product}: {name(symbol)} is in no topic")
    for problem in sorted(set(problems)):
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
