"""Check who asks, whether it is signed, and whether it is too old. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from fault_injection.exchange_simulator.engine import Rejected

#: How far ahead of us, and by default behind us, a request's time may be, in milliseconds.
AHEAD_MS, RECV_WINDOW_MS, LONGEST_RECV_WINDOW_MS = 1_000, 5_000, 60_000

SIGNATURE = re.compile(r"&?signature=([0-9a-fA-F]*)")


def check_signed(key: str, secret: str, sent_key: str | None, query: str, body: str) -> None:
    """Raise Rejected unless the request has our key and is signed with our secret."""
    if sent_key != key:
        raise Rejected(-2015, "Invalid API-key, IP, or permissions for action.", 401)
    found = SIGNATURE.search(query) or SIGNATURE.search(body)
    said = SIGNATURE.sub("", query) + SIGNATURE.sub("", body)
    expected = hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()
    if found is None or not hmac.compare_digest(found[1], expected):
        raise Rejected(-1022, "Signature for this request is not valid.")


def check_age(words: Mapping[str, str], now_ms: int) -> None:
    """Raise Rejected for a request from the future, or older than its own recvWindow."""
    said, window = words.get("timestamp", ""), words.get("recvWindow", str(RECV_WINDOW_MS))
    if not said.isdigit() or not window.isdigit():
        raise Rejected(-1102, "Mandatory parameter 'timestamp' was not sent or malformed.")
    if int(window) > LONGEST_RECV_WINDOW_MS:
        raise Rejected(-1131, "recvWindow must be less than 60000.")
    if int(said) >= now_ms + AHEAD_MS:
        raise Rejected(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if now_ms - int(said) > int(window):
        raise Rejected(-1021, "Timestamp for this request is outside of the recvWindow.")
