"""Make a history by hand: take a clean one and change its lines."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from fault_injection.history.lines import encoded
from fault_injection.history.reading import history_of


def written(lines):
    """Return happenings as a file's bytes, numbered anew."""
    return b"".join(encoded(each, n, each.wall_ns, each.mono_ns) for n, each in enumerate(lines))


def edited(lines, edit):
    """Return a history in which `edit` has made nothing, one or several out of each line."""
    kept = []
    change = edit.fresh() if isinstance(edit, First) else edit
    for each in lines:
        made = change(each)
        kept += [] if made is None else made if isinstance(made, list) else [made]
    return history_of(written(kept))


def without(kind, **having):
    """Return an edit that leaves out happenings of a kind."""
    return lambda each: None if is_one(each, kind, having) else each


def changed(kind, having, **to):
    """Return an edit that changes happenings of a kind."""
    return lambda each: replace(each, **to) if is_one(each, kind, having) else each


class First(NamedTuple):
    """An edit of the first line that it would change, and of no other."""

    edit: Callable

    def fresh(self):
        """Return it as it was before it was used."""
        used = []

        def once(each):
            made = each if used else self.edit(each)
            if made is not each:
                used.append(each)
            return made

        return once


def before(kind, *more):
    """Return an edit that puts happenings in front of the first one of a kind."""
    return First(lambda each: [*(at(each, one) for one in more), each]
                 if isinstance(each, kind) else each)  # fmt: skip


def after(kind, having, make):
    """Return an edit that puts something behind the first such happening."""
    return First(lambda each: [each, at(each, make(each))] if is_one(each, kind, having) else each)


def at(when, what):
    """Give a happening another one's time, if it has none."""
    return replace(what, wall_ns=what.wall_ns or when.wall_ns, mono_ns=when.mono_ns)


def is_one(each, kind, having):
    return isinstance(each, kind) and all(
        wanted(getattr(each, name)) if callable(wanted) else getattr(each, name) == wanted
        for name, wanted in having.items()
    )
