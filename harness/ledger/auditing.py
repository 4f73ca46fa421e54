"""Read a ledger from the disk and have all of it verified; writes nothing, needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.errors import LedgerError
from harness.ledger.checks import Check
from harness.ledger.ledger import LINES
from harness.ledger.verifying import Problem, chain, record

#: The one folder below the records that is none: each run of faults keeps its own files there.
NO_RECORDS = "faults"


def verify(root: Path, checks: Mapping[str, Check], only: str | None = None) -> list[Problem]:
    """Return what is wrong below `root`; the chain always, the records or the one `only` names.

    Records are read one at a time. Raises LedgerError when `root` cannot be read or `only` is
    in no line.
    """
    try:
        lines = root / LINES
        data = lines.read_bytes() if lines.exists() else b""
        folders = frozenset(
            path.name
            for path in root.glob("*")
            if path.is_dir() and not path.name.startswith(".") and path.name != NO_RECORDS
        )
        entries, problems = chain(data, folders)
        chosen = [entry for entry in entries if only is None or only in entry.id]
        if only is not None and not chosen:
            raise LedgerError(
                f"no line has {only!r} in the id", step="verify", action="invoke history"
            )
        for entry in chosen:
            problems += record(entry, _files(root / entry.id), checks)
    except OSError as error:
        raise LedgerError(f"{root} cannot be read: {error}", step="verify") from error
    return problems


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
