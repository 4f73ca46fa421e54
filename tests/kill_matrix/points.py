"""The failpoints that the consumers visit, found in their code: no list of them is kept here."""

import ast
from pathlib import Path

CONSUMERS = Path(__file__).parents[2] / "consumers"


def points(folder=CONSUMERS):
    """Return the name of every point, sorted; each must stand there in full."""
    found = set()
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "failpoint":
                found.add(name_in(node, path))
    return sorted(found)


def name_in(call, path):
    match call.args:
        case [ast.Constant(value=str() as name)]:
            return name
    raise AssertionError(f"{path}:{call.lineno}: a failpoint's name stands there in full")


def service_of(point):
    return point.partition(".")[0]
