"""An inventory: which hosts there are, what they are called and what is to hold on them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from harness.errors import InventoryError
from harness.host import Host, Mode
from harness.inventory.loading import Source, loads
from harness.inventory.patterns import matching
from harness.suggestions import did_you_mean

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "inventory"
SUFFIXES = (".yml", ".yaml")
#: A larger file is no inventory.
MOST_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Inventory:
    """All hosts of one file; secrets are still references (`resolve` fills them in)."""

    name: str
    path: Path
    mode: Mode
    digest: str  #: sha256 of the file's bytes
    records: Path  #: where its ledger lies
    hosts: tuple[Host, ...]
    ignored: tuple[str, ...] = ()  #: Ansible's variables in it that mean nothing here

    def select(self, limit: str | None = None) -> tuple[Host, ...]:
        """Return the hosts that `--limit` chooses, all without one. Raises ConfigurationError."""
        if not limit:
            return self.hosts
        groups: dict[str, list[str]] = {}
        for host in self.hosts:
            for group in host.groups:
                groups.setdefault(group, []).append(host.name)
        reference = self.hosts[0].inventory
        chosen = matching(limit, [host.name for host in self.hosts], groups, reference)
        return tuple(host for host in self.hosts if host.name in chosen)


def load(
    name_or_path: str,
    known: frozenset[str] | None = None,
    roles: frozenset[str] | None = None,
) -> Inventory:
    """Load inventory/<name>.yml of the project, or the file at a path that ends in .yml.

    `known` are the variables that roles understand, `roles` the roles there are; None takes any.
    Raises InventoryError.
    """
    is_path = name_or_path.endswith(SUFFIXES)
    path = Path(name_or_path).expanduser() if is_path else FOLDER / f"{name_or_path}.yml"
    content = _read(path, name_or_path, is_path=is_path)
    inside = path.resolve().parent == FOLDER
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise InventoryError(
            f"{path}: it is no UTF-8 text (byte {error.start})", step="inventory"
        ) from None
    file = path.resolve().relative_to(PROJECT) if inside else path
    source = Source(path.stem if inside else str(path), str(file), PROJECT)
    loaded = loads(text, source, known, roles)
    return Inventory(
        name=path.stem,
        path=path,
        mode=loaded.mode,
        digest=hashlib.sha256(content).hexdigest(),
        records=loaded.records,
        hosts=loaded.hosts,
        ignored=loaded.ignored,
    )


def _read(path: Path, said: str, *, is_path: bool) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        names = [each.stem for each in FOLDER.glob("*.yml")]
        hint = "" if is_path else did_you_mean(said, names)
        raise InventoryError(
            f'there is no inventory "{said}": {path} does not exist{hint}',
            step="inventory", action="-i NAME of a file in inventory/, or -i PATH of a .yml file",
        ) from None  # fmt: skip
    except (OSError, ValueError) as error:
        raise InventoryError(
            f"{path}: cannot be read: {getattr(error, 'strerror', error)}", step="inventory"
        ) from None
    if len(content) > MOST_BYTES:
        raise InventoryError(f"{path}: it is larger than {MOST_BYTES} bytes", step="inventory")
    return content
