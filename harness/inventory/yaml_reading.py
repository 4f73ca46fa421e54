"""Read YAML so that every value knows its line, and nothing in it is taken silently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from harness.errors import InventoryError

#: An inventory that unfolds (aliases!) to more values than this is refused.
MOST_VALUES = 200_000
TEXT, MERGE = "tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"
PLAIN = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null"))


@dataclass(frozen=True, slots=True)
class Located:
    """A value and where it stands; `value` holds Located ones inside lists and mappings."""

    value: object
    line: int
    path: str  #: dotted keys from the top, e.g. "all.vars.mode"
    file: str

    def mapping(self, what: str) -> dict[str, Located]:
        """Return the entries; nothing at all counts as none. Raises InventoryError."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.wrong(f"{what} must be a mapping, this is {described(self.value)}")
        return self.value

    def plain(self) -> object:
        """Return the value without lines: text, numbers, booleans, None, lists, dicts."""
        if isinstance(self.value, dict):
            return {key: each.plain() for key, each in self.value.items()}
        if isinstance(self.value, list):
            return [each.plain() for each in self.value]
        return self.value

    def wrong(self, cause: str, action: str = "") -> InventoryError:
        """Return the error that names file, line and key path of this value."""
        return located_error(self.file, self.line, self.path, cause, action)


def located_error(file: str, line: int, path: str, cause: str, action: str = "") -> InventoryError:
    """Return an InventoryError that says where in the file."""
    where = f"{file}:{line}: {path}: " if path else f"{file}:{line}: "
    return InventoryError(
        where + cause, step="inventory", action=action or f"edit {file}, line {line}"
    )


def described(value: object) -> str:
    """Return what kind of value a person wrote, without showing it."""
    kinds = {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}
    kinds |= {int: "a number", float: "a number", type(None): "empty"}
    return kinds.get(type(value), "something else")


def read(text: str, file: str) -> Located:
    """Parse one YAML document. Raises InventoryError for anything that is not plain data.

    Duplicate keys, foreign tags (`!vault`), dates and keys that are no text are refused, because
    YAML would quietly make something else of them than the writer meant.
    """
    try:
        loader = yaml.SafeLoader(text)
    except yaml.YAMLError as error:
        cause = f"this is no valid YAML: {getattr(error, 'reason', error)}"
        raise located_error(file, 1, "", cause) from None
    try:
        node = loader.get_single_node()
        reader = _Reader(loader, file)
        return reader.value(node, "", 1) if node else Located(None, 1, "", file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        cause = f"this is no valid YAML: {error.problem or error.context}"
        raise located_error(file, line, "", cause) from None
    except yaml.YAMLError as error:
        raise located_error(file, 1, "", f"this is no valid YAML: {error}") from None
    except RecursionError:
        raise located_error(file, 1, "", "it is nested too deeply") from None
    finally:
        loader.dispose()


class _Reader:
    """Turns YAML nodes into located values; counts them, so that aliases cannot explode."""

    def __init__(self, loader: yaml.SafeLoader, file: str) -> None:
        self._loader = loader
        self._file = file
        self._seen = 0
        self._open: set[int] = set()

    def value(self, node: Node, path: str, line: int) -> Located:
        self._seen += 1
        if self._seen > MOST_VALUES or id(node) in self._open:
            raise self._error(node, path, "its aliases unfold without end")
        self._open.add(id(node))
        try:
            return Located(self._content(node, path), line, path, self._file)
        finally:
            self._open.discard(id(node))

    def _content(self, node: Node, path: str) -> object:
        if isinstance(node, MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self._mapping(node, path)
        if isinstance(node, SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [
                self.value(each, f"{path}[{index}]", each.start_mark.line + 1)
                for index, each in enumerate(node.value)
            ]
        if isinstance(node, ScalarNode) and node.tag in PLAIN:
            try:
                return self._loader.construct_object(node)
            except ValueError as error:
                raise self._error(node, path, f"cannot be read: {error}") from None
        if node.tag == "!vault":
            raise self._error(
                node, path, "Ansible Vault is not read here",
                "use a secret reference instead: env:NAME, file:PATH or command:...",
            )  # fmt: skip
        kind = node.tag.rpartition(":")[2]
        raise self._error(node, path, f"YAML takes this for {kind}; write it in quotes")

    def _mapping(self, node: MappingNode, path: str) -> dict[str, Located]:
        found: dict[str, Located] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if key.tag == MERGE:
                continue
            name = str(key.value)
            below = f"{path}.{name}" if path else name
            line = key.start_mark.line + 1
            if key.tag != TEXT:
                raise self._error(key, below, f"write this name in quotes: '{name}'")
            if name in lines:
                raise self._error(key, below, f"is there twice; first in line {lines[name]}")
            lines[name] = line
            found[name] = self.value(value, below, line)
        return self._merged(node, path) | found

    def _merged(self, node: MappingNode, path: str) -> dict[str, Located]:
        """Return what `<<:` brings in; own keys win, and earlier ones of a list."""
        found: dict[str, Located] = {}
        for key, value in node.value:
            if key.tag != MERGE:
                continue
            many: Sequence[Node] = value.value if isinstance(value, SequenceNode) else [value]
            for each in many:
                if not isinstance(each, MappingNode):
                    raise self._error(key, path, "<<: needs a mapping")
                found = self.value(each, path, 0).mapping("<<:") | found
        return found

    def _error(self, node: Node, path: str, cause: str, action: str = "") -> InventoryError:
        return located_error(self._file, node.start_mark.line + 1, path, cause, action)
