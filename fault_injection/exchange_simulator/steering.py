"""Look at a simulated exchange of another process, and change it: the client of controlling.py."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from typing import Any

from harness.errors import QuantumError

#: It is on this machine, and does one thing at a time.
WITHIN_S = 30.0


def look(url: str, what: str, **words: object) -> Any:
    """Return what it shows; raises QuantumError where it does not answer so."""
    query = f"?{urllib.parse.urlencode(words)}" if words else ""
    return _asked(urllib.request.Request(f"{url}/control/{what}{query}"))  # noqa: S310


def change(url: str, what: str, **words: object) -> Any:
    """Change something and return what it says; raises QuantumError where it refuses."""
    body = json.dumps(words).encode()
    return _asked(urllib.request.Request(f"{url}/control/{what}", body))  # noqa: S310


def now_ms(url: str) -> int:
    """Return its clock, as everybody may ask for it; raises QuantumError."""
    return int(_asked(urllib.request.Request(f"{url}/fapi/v1/time"))["serverTime"])  # noqa: S310


def _asked(request: urllib.request.Request) -> Any:
    try:
        with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:  # noqa: S310
            return json.load(answer)
    except (OSError, ValueError, HTTPException) as error:
        said = error.read(500).decode(errors="replace") if isinstance(
            error, urllib.error.HTTPError
        ) else str(error)  # fmt: skip
        raise QuantumError(
            f"the simulated exchange at {request.full_url} does not do it: {said}",
            step="exchange", action="it ends with the run that started it: start another run",
        ) from None  # fmt: skip
