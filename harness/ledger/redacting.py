"""Take known secret values out of what is about to be recorded, in every form they travel in."""

from __future__ import annotations

import base64
import hmac
import html
import json
import urllib.parse
from collections.abc import Iterable, Iterator

from harness.masking import Secret

#: Shorter values cannot be told from ordinary text: replacing them would ruin the record.
SHORTEST_SECRET_BYTES = 5
#: How much of the HMAC stands in the secret's place, in hex digits.
MARK_DIGITS = 12


def redact(data: bytes, secrets: Iterable[Secret], key: bytes) -> bytes:
    """Return `data` with every form of each secret replaced by the start of HMAC(key, secret).

    `key` is made for one record and thrown away: within a record equal secrets show as equal
    marks, and nobody can try values against the mark afterwards.
    """
    for secret in _longest_first(secrets):
        mark = hmac.digest(key, secret, "sha256").hex()[:MARK_DIGITS].encode()
        for form in forms(secret):
            data = data.replace(form, mark)
    return data


def holds_secret(data: bytes, secrets: Iterable[Secret]) -> bool:
    """Tell whether any form of a known secret is still in `data`: the last look before writing."""
    return any(form in data for secret in _longest_first(secrets) for form in forms(secret))


def forms(secret: bytes) -> tuple[bytes, ...]:
    """Return how a value may be spelled: raw, JSON, HTML, URL, hex and base64; longest first."""
    return tuple(sorted({*_texts(secret), *_base64s(secret)}, key=len, reverse=True))


def _texts(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for plus in (urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret)):
        yield plus.encode()
        yield _lower_escapes(plus).encode()
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return
    for ascii_only in (True, False):
        yield json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode()
    yield html.escape(text).encode()
    yield html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;").encode()


def _lower_escapes(quoted: str) -> str:
    parts = quoted.split("%")
    return parts[0] + "".join(f"%{part[:2].lower()}{part[2:]}" for part in parts[1:])


def _base64s(secret: bytes) -> Iterator[bytes]:
    """Yield base64 at each of the three alignments that it can have inside a longer text.

    The digits at the seams also carry bits of the neighbours, so they are left out; a rest
    that is too short to be telling is left out whole.
    """
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret)
        yield encode(secret).rstrip(b"=")
        for before in range(3):
            coded = encode(b"\0" * before + secret)
            bits = 8 * (before + len(secret))
            inner = coded[(8 * before + 5) // 6 : bits // 6]
            if len(inner) > SHORTEST_SECRET_BYTES:
                yield inner


def _longest_first(secrets: Iterable[Secret]) -> list[bytes]:
    values = {secret.reveal() for secret in secrets}
    return sorted((v for v in values if len(v) >= SHORTEST_SECRET_BYTES), key=len, reverse=True)
