"""The manifest: every path that deploys manage on this host, as the last one left it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping

from . import placing, store
from .machine import Machine
from .paths import KINDS
from .states import observe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def compose(
    machine: Machine, previous: Mapping[str, Any], records: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the previous manifest with what the records changed, observed now."""
    after = dict(previous)
    for record in records:
        if record["do"] not in KINDS or not record.get("managed", True):
            continue
        path = record["path"]
        if record["do"] == "absent":
            after.pop(path, None)
        else:
            after[path] = observe(machine, path, None, secret=True)
    return dict(sorted(after.items()))


def write(tx: store.Transaction, manifest: Mapping[str, Any]) -> str:
    """Write it into the transaction's folder, durably; returns its digest."""
    raw = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    placing.whole(os.path.join(tx.folder, "manifest.json"), raw)
    return hashlib.sha256(raw).hexdigest()


def current(transactions: store.Store) -> dict[str, Any]:
    """Return the manifest of the newest committed transaction, or an empty one.

    Where all that was kept is undone, it is the one that the pruned ones left.
    """
    newest = transactions.newest("committed", store.PRUNED)
    return newest.manifest() if newest else {}
