"""Say a proof's verdicts as JUnit XML, so that any CI shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

#: Unknown is never a pass, so CI sees it as an error.
ELEMENTS = {"refuted": "failure", "unknown": "error"}


def render(statement: Mapping[str, Any]) -> bytes:
    """Return a suite with one case per claim and host; equal statements give equal bytes."""
    predicate = statement["predicate"]
    claims = predicate["claims"]
    count = {verdict: sum(c["verdict"] == verdict for c in claims) for verdict in ELEMENTS}
    suite = (
        f"<testsuite name={_quoted(predicate['id'])} tests={_quoted(len(claims))}"
        f" failures={_quoted(count['refuted'])} errors={_quoted(count['unknown'])}"
        f" timestamp={_quoted(predicate['at'])}>"
    )
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', suite]
    for claim in claims:
        of = f" of {claim['service']}" if claim.get("service") else ""
        name = _quoted(f"{claim['id']}{of}")
        lines.append(f"  <testcase classname={_quoted(claim['host'])} name={name}>")
        text = "; ".join(claim["reasons"])
        element = ELEMENTS.get(claim["verdict"], "")
        if element:
            lines.append(f"    <{element} message={_quoted(text)}>{escape(_xml(text))}</{element}>")
        else:
            lines.append(f"    <system-out>{escape(_xml(text))}</system-out>")
        lines.append("  </testcase>")
    lines.append("</testsuite>\n")
    return "\n".join(lines).encode("utf-8", "backslashreplace")


def _quoted(value: object) -> str:
    return quoteattr(_xml(str(value)))


def _xml(text: str) -> str:
    """Return `text` without the control characters that XML cannot hold."""
    return "".join(c if c >= " " or c in "\t\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
